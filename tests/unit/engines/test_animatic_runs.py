"""The assembly engine `animatic`: progress, cancelling, memory and what goes wrong."""

from __future__ import annotations

import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from gpu_agents.engines.animatic import AnimaticEngine
from gpu_agents.engines.base import Engine
from gpu_agents.media import encode
from schemas.errors import RenderCancelledError, RenderError
from schemas.specs import FilmSpec, SpeechSpec
from tests.unit.engines.animatic_helpers import ffmpegs, film, render, shot


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
