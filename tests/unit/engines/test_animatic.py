"""The assembly engine `animatic`: one film with everything in it, looked at from all sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpu_agents.engines.base import RenderOutput
from gpu_agents.media.probe import probe
from tests.unit.engines.animatic_helpers import BLUE, GREEN, LINE, RED, SIZE, colour, film, main, render, shot
from tests.unit.media.helpers import read_frames, read_sound, rms


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, inputs: dict[str, Path]) -> tuple[RenderOutput, list[np.ndarray]]:
    spec = film(
        shot("red", transition="crossfade"),
        shot("green", subtitle=LINE, speaker="小梅", transition="wipe", speech_stage="line"),
        shot("blue", transition="fade", camera="zoom"),
        title="雨夜; a=b",
        music_stage="music",
    )
    output = render(tmp_path_factory.mktemp("story"), spec, inputs)
    return output, read_frames(main(output))


def test_the_film_is_what_was_asked_for(story: tuple[RenderOutput, list[np.ndarray]]) -> None:
    output, frames = story
    info = probe(main(output))
    video, audio = info.first("video"), info.first("audio")
    assert video is not None
    assert audio is not None
    assert (video.codec, video.width, video.height, video.fps) == ("h264", *SIZE, 24)
    assert (audio.codec, audio.sample_rate, audio.channels) == ("aac", 48_000, 2)
    assert len(frames) == info.frames == round(3.6 * 24)
    assert info.duration == pytest.approx(3.6, abs=1 / 24)
    assert info.metadata["title"] == "雨夜; a=b"
    assert output.summary["recipe_id"] in info.metadata["comment"]
    data = main(output).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # playable while it loads


def test_each_shot_shows_its_own_picture_in_its_colours(story: tuple[RenderOutput, list[np.ndarray]]) -> None:
    _, frames = story
    for number, expected in ((10, RED), (43, GREEN), (72, BLUE)):
        assert np.abs(colour(frames[number]) - expected).max() < 14
        assert frames[number].std() > 10


def test_transitions_blend(story: tuple[RenderOutput, list[np.ndarray]]) -> None:
    _, frames = story
    assert (
        np.abs(colour(frames[28]) - (np.array(RED) + GREEN) / 2).max() < 18
    )  # crossfade, just before the border at 28.8
    left, right = colour(frames[57], slice(0, 200)), colour(frames[57], slice(440, 640))
    assert np.abs(left - BLUE).max() < 14
    assert np.abs(right - GREEN).max() < 14
    assert frames[-1].mean() < 12  # the last shot closes with a fade


def test_the_camera_moves(story: tuple[RenderOutput, list[np.ndarray]]) -> None:
    _, frames = story
    assert np.abs(frames[38].astype(int) - frames[46])[:300].mean() > 2


def test_no_black_edges(story: tuple[RenderOutput, list[np.ndarray]]) -> None:
    _, frames = story
    for number in (5, 15, 40, 45, 70, 72):
        frame = frames[number]
        for edge in (frame[0], frame[-1], frame[:, 0], frame[:, -1]):
            assert edge.max(axis=1).min() > 20


def test_subtitles_are_burned_in_and_lie_beside(story: tuple[RenderOutput, list[np.ndarray]]) -> None:
    output, frames = story
    foot = (slice(320, 372), slice(60, 580))
    with_text, without = frames[43][foot], frames[72][foot]
    assert (with_text.min(axis=2) > 225).sum() > 400
    assert (without.min(axis=2) > 225).sum() == 0
    sidecar = next(file for file in output.files if file.role == "subtitles")
    assert sidecar.content_type == "application/x-subrip"
    text = sidecar.path.read_text(encoding="utf-8")
    assert "小梅：" in text
    assert "00:00:01,208 --> 00:00:02,417" in text  # the shot's borders on the frame grid


def test_the_title_is_seen_at_first_only(story: tuple[RenderOutput, list[np.ndarray]]) -> None:
    _, frames = story
    centre = (slice(140, 200), slice(200, 440))
    assert (frames[14][centre].min(axis=2) > 225).sum() > 150
    assert (frames[0][centre].min(axis=2) > 225).sum() == 0


def test_poster_and_thumbnail(story: tuple[RenderOutput, list[np.ndarray]]) -> None:
    output, _ = story
    files = {file.role: file for file in output.files}
    poster, thumbnail = Image.open(files["poster"].path), Image.open(files["thumbnail"].path)
    assert (poster.format, poster.size) == ("JPEG", SIZE)
    assert max(thumbnail.size) == 384
    assert np.asarray(poster).std() > 15


def test_speech_stands_in_its_place_over_a_softer_bed(story: tuple[RenderOutput, list[np.ndarray]]) -> None:
    output, _ = story
    sound = read_sound(main(output)).mean(axis=1)

    def strength(start: float, end: float, hertz: float) -> float:
        part = sound[round(start * 48_000) : round(end * 48_000)]
        part = part * np.hanning(len(part))
        spectrum = np.abs(np.fft.rfft(part)) / len(part)
        return float(spectrum[round(hertz * len(part) / 48_000) - 2 :][:5].max())

    assert strength(1.6, 2.2, 700) > 20 * strength(0.6, 1.2, 700)  # from 1.2 + 0.3 s on
    assert strength(1.6, 2.2, 110) < 0.7 * strength(0.85, 1.2, 110)
    assert np.abs(sound).max() < 0.95
    assert rms(sound[-480:]) < 0.01
