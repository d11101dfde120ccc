from __future__ import annotations

import os
import stat
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.engines.base import Engine, RenderContext, RenderOutput
from gpu_agents.engines.speech import SpeechEngine, voices
from gpu_agents.engines.speech.shaping import clean_text, reading_seconds, resample, trim
from gpu_agents.media.probe import probe
from schemas.errors import RenderError
from schemas.specs import Language, SpeechSpec
from tests.unit.media.helpers import rms

CHINESE = "雨夜的上海，霓虹灯在积水里闪烁。"
ENGLISH = "The rain would not stop that night in Shanghai."
needs_voice = pytest.mark.skipif(SpeechEngine.available() is None, reason="no speech synthesiser on this machine")


def say(folder: Path, spec: SpeechSpec) -> RenderOutput:
    return SpeechEngine().render(spec, RenderContext(folder, {}))


def load(output: RenderOutput) -> np.ndarray:
    with wave.open(str(output.files[0].path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (48_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


@needs_voice
@pytest.mark.parametrize(("text", "language", "voice"), [(CHINESE, "zh", "cmn"), (ENGLISH, "en", "en-us")])
def test_a_line_is_spoken_in_its_language(tmp_path: Path, text: str, language: Language, voice: str) -> None:
    output = say(tmp_path, SpeechSpec(text=text, language=language))
    sound = load(output)
    assert output.summary["voice"] == f"espeak-ng {voice}"
    assert 1.5 < len(sound) / 48_000 < 8
    assert rms(sound) > 0.03
    syllables = np.abs(sound[: len(sound) // 2400 * 2400]).reshape(-1, 2400).max(axis=1)
    assert (syllables > 0.3).sum() > 8
    assert syllables.min() < 0.1
    energy = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / 48_000)
    assert energy[(hertz > 80) & (hertz < 4500)].sum() / energy.sum() > 0.8


@needs_voice
def test_languages_and_speeds_differ(tmp_path: Path) -> None:
    normal = load(say(tmp_path, SpeechSpec(text=ENGLISH)))
    fast = load(say(tmp_path, SpeechSpec(text=ENGLISH, speed=1.8)))
    assert len(fast) < 0.75 * len(normal)


@needs_voice
def test_the_tempo_rises_until_the_line_fits(tmp_path: Path) -> None:
    natural = say(tmp_path, SpeechSpec(text=ENGLISH)).summary
    limit = natural["duration"] * 0.7
    squeezed = say(tmp_path, SpeechSpec(text=ENGLISH, max_seconds=limit)).summary
    assert squeezed["duration"] <= limit
    assert squeezed["rate"] > natural["rate"]
    impossible = say(tmp_path, SpeechSpec(text=ENGLISH, max_seconds=0.2)).summary
    assert "longer than 0.2 s" in impossible["note"]


@needs_voice
def test_mp3_and_unknown_voices(tmp_path: Path) -> None:
    output = say(tmp_path, SpeechSpec(text=ENGLISH, output_format="mp3"))
    assert probe(output.files[0].path).streams[0].sample_rate == 48_000
    with pytest.raises(RenderError, match="klingon-x"):
        say(tmp_path, SpeechSpec(text=ENGLISH, voice="klingon-x"))


@needs_voice
def test_a_line_of_marks_becomes_a_short_pause(tmp_path: Path) -> None:
    output = say(tmp_path, SpeechSpec(text="……", language="zh"))
    assert "nothing that can be spoken" in output.summary["note"]
    assert len(load(output)) > 0


def test_without_a_voice_the_line_is_silent_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(voices, "find_spec", lambda _name: None)
    assert SpeechEngine.available() is None
    output = say(tmp_path, SpeechSpec(text=CHINESE, language="zh"))
    sound = load(output)
    assert output.summary["voice"] is None
    assert "no speech synthesiser" in output.summary["note"]
    assert not sound.any()
    assert len(sound) / 48_000 == pytest.approx(reading_seconds(CHINESE, "zh", 1.0), abs=0.01)
    assert len(load(say(tmp_path, SpeechSpec(text=CHINESE, language="zh", max_seconds=1.0)))) == 48_000


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for the command")
def test_the_command_gets_its_text_on_standard_input_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in the place of espeak-ng writes down how it was called and answers with a wave file."""
    command = tmp_path / "espeak-ng"
    command.write_text(
        "#!/bin/sh\n"
        f'echo "$@" > {tmp_path}/arguments\n'
        f"cat > {tmp_path}/input\n"
        'while [ "$1" != "-w" ]; do shift; done\n'
        f'cp {tmp_path}/answer.wav "$2"\n'
    )
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    with wave.open(str(tmp_path / "answer.wav"), "wb") as file:
        file.setparams((1, 2, 22_050, 0, "NONE", ""))
        file.writeframes((np.sin(np.arange(22_050) / 10) * 9000).astype("<i2").tobytes())
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    output = say(tmp_path, SpeechSpec(text="-f /etc/passwd", voice="en-gb", speed=2.0))
    assert (tmp_path / "input").read_text() == "-f /etc/passwd"
    assert "passwd" not in (tmp_path / "arguments").read_text()
    assert "-v en-gb -s 320" in (tmp_path / "arguments").read_text()
    assert len(load(output)) / 48_000 == pytest.approx(1.0, abs=0.05)


@given(st.sampled_from([8_000, 16_000, 22_050, 24_000, 44_100]), st.integers(200, 2_000))
def test_resampling_keeps_pitch_and_length(rate: int, hertz: int) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(rate // 2) / rate).astype(np.float32) * np.hanning(rate // 2)
    longer = resample(tone.astype(np.float32), rate)
    assert abs(len(longer) - 24_000) <= 1
    peak = np.abs(np.fft.rfft(longer)).argmax() * 48_000 / len(longer)
    assert abs(peak - hertz) <= 3


def test_trimming() -> None:
    sound = np.concatenate([np.zeros(9000), np.ones(1000) * 0.5, np.zeros(9000)]).astype(np.float32)
    assert len(trim(sound, 48_000)) == 1000 + 2 * 1920 - 1
    assert len(trim(np.zeros(100, np.float32), 48_000)) == 0


def test_control_characters_and_inline_phonemes_do_not_reach_the_voice() -> None:
    assert clean_text("a\x00b\n\u202ec [[k@t]]") == "a b c [k@t]"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (SpeechSpec(text=" \n"), "text"),
        (SpeechSpec(text="x" * 10_001), "text"),
        (SpeechSpec(text="a", speed=3), "speed"),
        (SpeechSpec(text="a", voice="-w/tmp/x"), "voice"),
        (SpeechSpec(text="a", voice="../x"), "voice"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, spec: SpeechSpec, message: str) -> None:
    with pytest.raises(RenderError, match=message):
        say(tmp_path, spec)


def test_it_is_an_engine() -> None:
    assert isinstance(SpeechEngine(), Engine)
