from __future__ import annotations

import hashlib
import itertools
import wave
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_agents.engines.base import Engine, RenderContext
from gpu_agents.engines.tone import ToneEngine
from gpu_agents.engines.tone.sections import plan_spans, total_samples
from gpu_agents.media.probe import probe
from schemas.errors import RenderCancelledError, RenderError
from schemas.specs import Mood, MusicSpec, SpeechSpec
from tests.unit.media.helpers import rms

MOODS = get_args(Mood)
SECTIONS = st.lists(st.tuples(st.sampled_from(MOODS), st.floats(0.05, 20)), min_size=1, max_size=6)


def render(folder: Path, spec: MusicSpec) -> Path:
    folder.mkdir(exist_ok=True)
    return ToneEngine().render(spec, RenderContext(folder, {})).files[0].path


def load(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (48_000, 2, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32768


def spectrum(sound: np.ndarray) -> np.ndarray:
    """Shares of energy in thirds of an octave."""
    energy = np.abs(np.fft.rfft(sound.mean(axis=1))) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / 48_000)
    edges = 40 * 2 ** (np.arange(28) / 3)
    bands = np.array([energy[(hertz >= low) & (hertz < high)].sum() for low, high in itertools.pairwise(edges)])
    return np.asarray(bands / bands.sum())


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    def digest(name: str, seed: int) -> str:
        path = render(tmp_path / name, MusicSpec(sections=[("happy", 6.0)], seed=seed))
        return hashlib.sha256(path.read_bytes()).hexdigest()

    assert digest("a", 5) == digest("b", 5) != digest("c", 6)


@pytest.mark.parametrize("ambience", [False, True])
def test_every_mood_sounds_and_sounds_different(tmp_path: Path, ambience: bool) -> None:
    sounds = {
        mood: load(render(tmp_path / mood, MusicSpec(sections=[(mood, 8.0)], ambience=ambience))) for mood in MOODS
    }
    for mood, sound in sounds.items():
        middle = sound[48_000:-120_000]
        assert -27 < 20 * np.log10(rms(middle)) < -14, mood
        assert np.abs(sound).max() < 0.95, mood
        assert rms(sound[:200]) < 0.02, mood
        assert rms(sound[-200:]) < 0.02, mood
    spectra = {mood: spectrum(sound) for mood, sound in sounds.items()}
    for first in MOODS:
        for second in MOODS:
            if first < second:
                assert np.abs(spectra[first] - spectra[second]).sum() > 0.15, (first, second)


def test_sections_follow_one_another_and_the_length_is_exact(tmp_path: Path) -> None:
    sound = load(render(tmp_path, MusicSpec(sections=[("calm", 7.3), ("epic", 8.21)])))
    assert len(sound) == round(15.51 * 48_000)
    alone = load(render(tmp_path, MusicSpec(sections=[("calm", 16.0)])))
    assert np.array_equal(sound[48_000 : 7 * 48_000], alone[48_000 : 7 * 48_000])
    assert not np.allclose(sound[9 * 48_000 : 13 * 48_000], alone[9 * 48_000 : 13 * 48_000], atol=0.01)


@settings(max_examples=60)
@given(SECTIONS)
def test_spans_cover_the_bed_and_overlap_only_in_crossfades(sections: list[tuple[Mood, float]]) -> None:
    spec = MusicSpec(sections=sections)
    spans = plan_spans(spec)
    assert spans[0].begin == 0
    assert spans[-1].end == total_samples(spec)
    for before, after in itertools.pairwise(spans):
        assert before.end - after.begin == before.fade_out == after.fade_in
        assert after.begin + after.fade_in <= after.end - after.fade_out


def test_no_click_at_a_border_or_a_block(tmp_path: Path) -> None:
    sound = load(render(tmp_path, MusicSpec(sections=[("sad", 5.0), ("calm", 5.0)])))
    assert np.abs(np.diff(sound, axis=0)).max() < 0.12


def test_mp3(tmp_path: Path) -> None:
    path = render(tmp_path, MusicSpec(sections=[("neutral", 3.0)], output_format="mp3"))
    info = probe(path)
    assert path.suffix == ".mp3"
    assert info.duration == pytest.approx(3.0, abs=0.08)


def test_cancelled_between_blocks(tmp_path: Path) -> None:
    seen: list[int] = []
    context = RenderContext(
        tmp_path, {}, lambda _fraction, step, _steps, _preview: seen.append(step), lambda: len(seen) > 2
    )
    with pytest.raises(RenderCancelledError):
        ToneEngine().render(MusicSpec(sections=[("calm", 600.0)]), context)
    assert max(seen) < 5


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (MusicSpec(sections=[]), "sections"),
        (MusicSpec(sections=[("calm", 0.0)]), "sections"),
        (MusicSpec(sections=[("calm", float("nan"))]), "sections"),
        (SpeechSpec(text="hello"), "SpeechSpec"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, spec: MusicSpec | SpeechSpec, message: str) -> None:
    with pytest.raises(RenderError, match=message):
        ToneEngine().render(spec, RenderContext(tmp_path, {}))


def test_it_is_an_engine() -> None:
    engine = ToneEngine()
    assert isinstance(engine, Engine)
    assert engine.estimate(MusicSpec(sections=[("calm", 60.0)])).steps == 44
