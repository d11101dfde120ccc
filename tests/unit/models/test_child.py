"""Models and the render process: it is started anew after it ran out of memory, and tells what is in its memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

from gpu_agents.child.protocol import Done, Failed, ModelTold, Render
from gpu_agents.worker.render_child import RenderChild
from schemas.specs import ShotSpec
from tests.tiny_models.store import write_registry

PUPPET = "puppet=tests.unit.gpu_agents.engines:PuppetEngine"


def job(folder: Path, engine: str, prompt: str, name: str) -> Render:
    place = folder / name
    place.mkdir()
    spec = ShotSpec(prompt=prompt, width=512, height=512, steps=10, seed=5)
    return Render(job_id=name, engine=engine, spec=spec, workdir=str(place))


async def test_a_process_that_ran_out_of_memory_is_started_anew(tmp_path: Path) -> None:
    told: list[ModelTold] = []
    child = RenderChild([PUPPET], os.environ, on_model=told.append)
    try:
        first = await child.render(job(tmp_path, "puppet", "paint", "a"), lambda _: None)
        failed = await child.render(job(tmp_path, "puppet", "memory 1000000000000000000", "b"), lambda _: None)
        after = await child.render(job(tmp_path, "puppet", "paint", "c"), lambda _: None)
    finally:
        await child.kill()
    assert isinstance(failed, Failed)
    assert (failed.code, failed.retryable) == ("out_of_memory", True)
    assert isinstance(first, Done)
    assert isinstance(after, Done)
    assert json.loads(first.result)["recipe"]["pid"] != json.loads(after.result)["recipe"]["pid"]
    assert [event.kind for event in told] == ["ended", "ended"]


async def test_two_models_swap_under_a_limit_and_the_agent_hears_of_it(tmp_path: Path) -> None:
    small = {"long_side": 64, "steps": 1}
    entries = [
        {"tiny": "sd15", "name": name, "kind": "image", "family": "sd15", "memory_gb": 0.6, "defaults": small}
        for name in ("one", "two")
    ]
    registry = write_registry(tmp_path / "models", entries, "[cache]\nmax_size_gb = 1")
    told: list[ModelTold] = []
    loaded: list[list[str]] = []
    environ = os.environ | {"STORYREEL_MODELS": str(registry), "OMP_NUM_THREADS": "1"}
    child = RenderChild([], environ, on_model=told.append)
    try:
        for number, engine in enumerate(["diffusers", "diffusers/one", "diffusers/two"]):
            done = await child.render(job(tmp_path, engine, "a cat", str(number)), lambda _: None)
            assert isinstance(done, Done), done
            loaded.append(done.loaded)
    finally:
        await child.kill()
    assert loaded == [["diffusers"], ["diffusers", "diffusers/one"], ["diffusers/two"]]
    assert [(event.kind, event.model) for event in told] == [
        ("loaded", "one"),
        ("hit", "one"),
        ("evicted", "one"),
        ("loaded", "two"),
        ("ended", ""),
    ]
    assert told[3].held == round(0.6 * 1024**3)
