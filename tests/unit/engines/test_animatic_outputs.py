"""The assembly engine `animatic`: tracks, formats, clips and recipes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from gpu_agents.media.probe import probe
from tests.unit.engines.animatic_helpers import GREEN, LINE, colour, ffmpegs, film, main, render, shot
from tests.unit.media.helpers import read_frames, read_sound, rms


@pytest.mark.parametrize("audio", [True, False])
def test_there_is_always_a_sound_track(tmp_path: Path, inputs: dict[str, Path], audio: bool) -> None:
    spec = film(
        shot("red", 0.5, speech_stage="" if audio else "line"), audio=audio, music_stage="" if audio else "music"
    )
    output = render(tmp_path, spec, inputs)
    track = probe(main(output)).first("audio")
    assert track is not None
    assert (track.codec, track.sample_rate, track.channels) == ("aac", 48_000, 2)
    assert np.abs(read_sound(main(output))).max() < 1e-4


def test_without_burned_in_subtitles_the_film_carries_a_track(tmp_path: Path, inputs: dict[str, Path]) -> None:
    spec = film(shot("red", 1.0, subtitle=LINE), subtitles=False, title="Title")
    output = render(tmp_path, spec, inputs)
    text = probe(main(output)).first("subtitle")
    assert text is not None
    assert text.codec == "mov_text"
    assert max((frame.min(axis=2) > 225).sum() for frame in read_frames(main(output))) == 0


def test_webm(tmp_path: Path, inputs: dict[str, Path]) -> None:
    info = probe(main(render(tmp_path, film(shot("red", 1.0), output_format="webm"), inputs)))
    assert [stream.codec.removeprefix("lib") for stream in info.streams] == ["vp9", "opus"]
    assert info.frames == 24


def test_gif_is_smaller_and_as_long(tmp_path: Path, inputs: dict[str, Path]) -> None:
    output = render(tmp_path, film(shot("red", 1.0), shot("green", 1.0), output_format="gif"), inputs)
    info = probe(main(output))
    video = info.first("video")
    assert video is not None
    assert (video.codec, video.width, video.height) == ("gif", 480, 288)
    assert info.duration == pytest.approx(2.0, abs=0.09)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.gif", "poster.jpg", "thumbnail.jpg"]


def test_a_clip_takes_the_place_of_a_still(tmp_path: Path, inputs: dict[str, Path]) -> None:
    made = film(shot("green", 0.8, speech_stage="line"), width=320, height=320, fps=12)
    clip = main(render(tmp_path / "clip", made, inputs))
    spec = film(shot("red", 1.0, transition="crossfade"), shot("clip", 2.0, transition="cut"))
    output = render(tmp_path / "film", spec, {**inputs, "clip": clip})
    frames = read_frames(main(output))
    assert len(frames) == 72
    assert np.abs(colour(frames[40]) - GREEN).max() < 16
    assert np.abs(colour(frames[70]) - GREEN).max() < 16  # held when the clip is over
    sound = read_sound(main(output))
    assert rms(sound[round(1.2 * 48_000) : round(1.6 * 48_000)]) > 0.01
    assert rms(sound[: round(0.6 * 48_000)]) < 0.001
    assert ffmpegs() == []


def test_the_same_spec_gives_the_same_bytes(tmp_path: Path, inputs: dict[str, Path]) -> None:
    spec = film(shot("red", 0.6, camera="handheld"), shot("green", 0.6), seed=3)
    first, second = (render(tmp_path / name, spec, inputs) for name in ("a", "b"))
    assert main(first).read_bytes() == main(second).read_bytes()
    assert first.recipe == second.recipe
    other = render(tmp_path / "c", replace(spec, seed=4), inputs)
    assert other.recipe["recipe_id"] != first.recipe["recipe_id"]


def test_the_recipe_holds_no_words(tmp_path: Path, inputs: dict[str, Path]) -> None:
    output = render(tmp_path, film(shot("red", 0.5, subtitle=LINE, speaker="小梅"), title="雨夜"), inputs)
    assert not any(word in repr((output.recipe, output.summary)) for word in ("雨夜", "小梅", "霓虹"))
