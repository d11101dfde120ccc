from __future__ import annotations

import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from msgspec.structs import replace
from PIL import Image

from gpu_agents.engines.animatic import AnimaticEngine
from gpu_agents.engines.base import Engine, RenderContext, RenderOutput
from gpu_agents.media import encode
from gpu_agents.media.probe import probe
from schemas.errors import RenderCancelledError, RenderError
from schemas.specs import FilmShot, FilmSpec, SpeechSpec
from tests.unit.media.helpers import read_frames, read_sound, rms, write_still, write_tone

RED, GREEN, BLUE = (170, 60, 60), (60, 160, 60), (60, 70, 180)
LINE = "雨夜的上海，霓虹灯在积水里闪烁。"
SIZE = (640, 384)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    return {
        "red": write_still(folder / "red.png", RED),
        "green": write_still(folder / "green.jpg", GREEN, (900, 900)),
        "blue": write_still(folder / "blue.webp", BLUE, (400, 700)),
        "line": write_tone(folder / "line.wav", 0.8, 700),
        "music": write_tone(folder / "music.wav", 2.5, 110, 0.2),
    }


def shot(still: str, duration: float = 1.2, **fields: Any) -> FilmShot:
    values: dict[str, Any] = {"shot_id": still, "duration": duration, "still_stage": still, "camera": "pan", **fields}
    return FilmShot(**values)


def film(*shots: FilmShot, **fields: Any) -> FilmSpec:
    values: dict[str, Any] = {"shots": list(shots), "width": SIZE[0], "height": SIZE[1], "language": "zh", **fields}
    return FilmSpec(**values)


def render(folder: Path, spec: FilmSpec, inputs: dict[str, Path], **hooks: Any) -> RenderOutput:
    folder.mkdir(exist_ok=True)
    return AnimaticEngine().render(spec, RenderContext(folder, inputs, **hooks))


def main(output: RenderOutput) -> Path:
    return next(file.path for file in output.files if file.role == "main")


def ffmpegs() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "ffmpeg" in child.name()]


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


def colour(frame: np.ndarray, part: slice = slice(None)) -> np.ndarray:
    return np.asarray(frame[60:200, part].reshape(-1, 3).mean(axis=0))


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


def test_progress_counts_frames_and_brings_previews(tmp_path: Path, inputs: dict[str, Path]) -> None:
    seen: list[tuple[int, int, bytes | None]] = []

    def note(fraction: float, step: int, steps: int, preview: bytes | None) -> None:
        seen.append((step, steps, preview))

    render(tmp_path, film(shot("red", 5.0)), inputs, on_progress=note)
    assert [step for step, _, _ in seen] == [*range(0, 120, 12), 120]
    assert {steps for _, steps, _ in seen} == {120}
    previews = [preview for _, _, preview in seen if preview]
    assert len(previews) == 2
    assert all(preview.startswith(b"\xff\xd8") and len(preview) < 40_000 for preview in previews)


def test_cancelling_stops_at_once_and_leaves_no_ffmpeg(tmp_path: Path, inputs: dict[str, Path]) -> None:
    started, cancelled = threading.Event(), threading.Event()
    ended: list[float] = []

    def note(_fraction: float, step: int, _steps: int, _preview: bytes | None) -> None:
        if step >= 24:
            started.set()

    def work() -> None:
        with pytest.raises(RenderCancelledError):
            render(
                tmp_path,
                film(shot("red", 120.0), width=1280, height=768),
                inputs,
                on_progress=note,
                is_cancelled=cancelled.is_set,
            )
        ended.append(time.monotonic())

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(30)
    assert len(ffmpegs()) == 1
    asked = time.monotonic()
    cancelled.set()
    thread.join(10)
    assert ended[0] - asked < 1.0
    assert ffmpegs() == []


def test_frames_are_not_collected_in_memory(tmp_path: Path, inputs: dict[str, Path]) -> None:
    """180 frames are 66 MB; the film is made with a fraction of that."""
    tracemalloc.start()
    try:
        render(tmp_path, film(*[shot("red", 2.5), shot("green", 2.5)] * 2, fps=18), inputs)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25e6


@pytest.fixture
def broken_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that ffmpeg refuses."""
    monkeypatch.setitem(encode.CODECS, "mp4", ("-c:v", "no-such-codec"))


@pytest.mark.usefixtures("broken_encoder")
def test_a_failing_encoder_is_quoted(tmp_path: Path, inputs: dict[str, Path]) -> None:
    with pytest.raises(RenderError, match=r"(?s)status.*no-such-codec"):
        render(tmp_path, film(shot("red", 3.0)), inputs)
    assert ffmpegs() == []


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (film(shot("missing")), "shot missing: still_stage.*'missing'"),
        (film(shot("red", speech_stage="nowhere")), "speech_stage.*'nowhere'"),
        (film(shot("red"), music_stage="nowhere"), "music_stage.*'nowhere'"),
        (film(shot("line")), "sound where a picture"),
        (film(shot("red"), width=641), "width: 641"),
        (film(shot("red"), fps=0), "fps: 0"),
        (film(), "shots"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, inputs: dict[str, Path], spec: FilmSpec, message: str) -> None:
    with pytest.raises(RenderError, match=message):
        render(tmp_path, spec, inputs)


def test_it_is_an_engine() -> None:
    engine = AnimaticEngine()
    engine.setup()
    assert isinstance(engine, Engine)
    assert engine.estimate(film(shot("red", 2.0))).steps == 48
    with pytest.raises(RenderError, match="SpeechSpec"):
        engine.estimate(SpeechSpec(text="hello"))
