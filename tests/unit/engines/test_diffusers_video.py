"""Clips by tiny video models, their lengths, and what happens when memory runs out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gpu_agents.engines.base import Engine, RenderOutput
from gpu_agents.engines.diffusion import DiffusersVideoEngine
from gpu_agents.engines.diffusion.lengths import RULES, plan_runs, rule_of
from gpu_agents.engines.diffusion.memory_errors import with_less_memory
from gpu_agents.media.probe import probe
from gpu_agents.models import shelf
from gpu_agents.models.registry import VARIABLE
from schemas.errors import RenderCancelledError, RenderError
from schemas.specs import ClipSpec
from tests.tiny_models.store import write_registry
from tests.unit.engines.helpers import context, shot

SMALL: dict[str, Any] = {"long_side": 64, "steps": 2, "fps": 8, "max_frames": 9}
MODELS: list[dict[str, Any]] = [
    {"tiny": "ltx", "name": "ltx", "kind": "video", "family": "ltx", "defaults": SMALL},
    {"tiny": "wan", "name": "wan", "kind": "video", "family": "wan", "defaults": SMALL},
    {"tiny": "svd", "name": "svd", "kind": "video", "family": "svd", "defaults": SMALL | {"max_frames": 5}},
    {"tiny": "animatediff", "name": "animatediff", "kind": "video", "family": "animatediff", "defaults": SMALL},
    {
        "tiny": "sd15",
        "name": "moved",
        "kind": "video",
        "family": "sd15",
        "attach": [{"model": "motion"}],
        "defaults": SMALL,
    },
    {"tiny": "motion_adapter", "name": "motion", "kind": "motion-adapter", "family": "sd15"},
]


@pytest.fixture(scope="module", autouse=True)
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    torch.set_num_threads(1)
    os.environ[VARIABLE] = str(write_registry(tmp_path_factory.mktemp("models"), MODELS))
    shelf.registry.cache_clear()
    shelf.model_cache.cache_clear()
    yield
    os.environ.pop(VARIABLE)
    shelf.registry.cache_clear()
    shelf.model_cache.cache_clear()


def make(folder: Path, model: str, colour: str = "red", seconds: float = 1.4, **callbacks: Any) -> RenderOutput:
    engine = DiffusersVideoEngine()
    engine.use_model(model)
    engine.setup()
    folder.mkdir(parents=True)
    still = folder / "still.png"
    Image.new("RGB", (96, 64), colour).save(still)
    spec = ClipSpec(shot=shot(width=768, height=512), still_stage="shot-01", seconds=seconds, fps=24)
    return engine.render(spec, context(folder / "work", {"shot-01": still}, **callbacks))


@pytest.mark.parametrize(
    ("model", "pipeline", "runs", "frames"),
    [
        ("ltx", "LTXImageToVideoPipeline", [9, 9], 17),
        ("wan", "WanImageToVideoPipeline", [9, 5], 13),
        ("svd", "StableVideoDiffusionPipeline", [5, 5, 4], 12),
        ("animatediff", "AnimateDiffPipeline", [9, 3], 12),
        ("moved", "AnimateDiffPipeline", [9, 3], 12),
    ],
)
def test_a_clip_is_long_enough_and_has_the_models_rate(
    model: str, pipeline: str, runs: list[int], frames: int, tmp_path: Path
) -> None:
    told: list[int] = []
    output = make(tmp_path / "a", model, on_progress=lambda _f, step, _n, _p: told.append(step))
    info = probe(output.files[0].path)
    video = info.first("video")
    assert video is not None
    assert (video.codec, video.fps, info.frames) == ("h264", 8, frames)
    assert info.duration >= 1.4
    assert (output.recipe["parameters"]["pipeline"], output.recipe["parameters"]["runs"]) == (pipeline, runs)
    assert max(told) == 2 * len(runs)
    assert told == sorted(told)


@pytest.mark.parametrize(("model", "reads"), [("ltx", True), ("svd", True), ("animatediff", False)])
def test_models_that_read_pictures_begin_with_the_still(model: str, reads: bool, tmp_path: Path) -> None:
    clips = [make(tmp_path / colour, model, colour, 0.5) for colour in ("red", "blue")]
    first, other = (clip.files[1].path.read_bytes() for clip in clips)
    assert (first != other) is reads
    assert clips[0].summary["begins_with_the_still"] is reads


def test_a_cancellation_stops_a_clip_before_the_next_step(tmp_path: Path) -> None:
    told: list[int] = []
    with pytest.raises(RenderCancelledError):
        make(
            tmp_path / "a",
            "ltx",
            on_progress=lambda _f, step, _n, _p: told.append(step),
            is_cancelled=lambda: bool(told),
        )
    assert told == [1]


def test_a_clip_engine_refuses_what_is_no_clip_and_a_missing_still(tmp_path: Path) -> None:
    engine = DiffusersVideoEngine()
    assert isinstance(engine, Engine)
    with pytest.raises(RenderError, match="makes clips, not ShotSpec"):
        engine.render(shot(), context(tmp_path))
    with pytest.raises(RenderError, match="no input file of stage 'shot-09'"):
        engine.render(ClipSpec(shot=shot(), still_stage="shot-09", seconds=1), context(tmp_path))


@given(
    seconds=st.floats(0.01, 20), family=st.sampled_from(sorted(RULES)), chained=st.booleans(), most=st.integers(17, 120)
)
def test_runs_are_long_enough_and_each_is_one_the_model_can_make(
    seconds: float, family: str, chained: bool, most: int
) -> None:
    rule = rule_of(family, most=most)
    runs = plan_runs(seconds, rule, chained=chained)
    made = sum(runs) - (len(runs) - 1 if chained else 0)
    assert made >= seconds * rule.fps
    assert all(0 < count <= most and (count - rule.extra) % rule.unit == 0 for count in runs)
    if len(runs) > 1:
        assert made - runs[-1] + chained < seconds * rule.fps + 1


def test_a_shot_beyond_all_reason_is_refused() -> None:
    with pytest.raises(RenderError, match="more than 64 runs"):
        plan_runs(3600, rule_of("WanPipeline"), chained=True)


OUT = [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), RuntimeError("[...] can't allocate memory: 8 GB")]


@pytest.mark.parametrize("error", OUT, ids=lambda error: type(error).__name__)
def test_out_of_memory_is_tried_once_more_with_less_then_told_as_retryable(error: Exception) -> None:
    done: list[str] = []

    def scarce() -> str:
        done.append("tried")
        if "relieved" not in done:
            raise error
        return "picture"

    assert with_less_memory(scarce, lambda: done.append("relieved")) == ("picture", True)
    assert done == ["tried", "relieved", "tried"]

    def hopeless() -> str:
        raise error

    with pytest.raises(RenderError) as refused:
        with_less_memory(hopeless, lambda: None)
    assert (refused.value.code, refused.value.retryable) == ("out_of_memory", True)


def test_other_errors_are_not_tried_again() -> None:
    def broken() -> str:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        with_less_memory(broken, lambda: pytest.fail("nothing to relieve"))
