"""Models and the render process: it is started anew after it ran out of memory, and tells what is in its memory."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import httpx
import pytest

from gpu_agents.child.protocol import Done, Failed, ModelTold, Render
from gpu_agents.worker.figures import ModelFigures
from gpu_agents.worker.render_child import RenderChild
from infra.local import ports
from schemas.errors import ConfigurationError
from schemas.specs import ShotSpec
from tests.tiny_models.store import write_registry

PUPPET = "puppet=tests.unit.gpu_agents.engines:PuppetEngine"


def job(folder: Path, engine: str, prompt: str, name: str) -> Render:
    place = folder / name
    place.mkdir()
    spec = ShotSpec(prompt=prompt, width=512, height=512, steps=10, seed=5)
    return Render(job_id=name, engine=engine, spec=spec, workdir=str(place))


async def metrics(port: int) -> dict[str, float]:
    """What Prometheus would read from an agent."""
    async with httpx.AsyncClient(trust_env=False) as scraper:
        answer = await scraper.get(f"http://127.0.0.1:{port}/metrics")
    lines = [line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"--metrics-port {port}: .*in use"):
            ModelFigures("cpu-0", port)


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


async def test_two_models_swap_under_a_limit_and_the_agent_tells_of_it(tmp_path: Path) -> None:
    small = {"long_side": 64, "steps": 1}
    entries = [
        {"tiny": "sd15", "name": name, "kind": "image", "family": "sd15", "memory_gb": 0.6, "defaults": small}
        for name in ("one", "two")
    ]
    registry = write_registry(tmp_path / "models", entries, "[cache]\nmax_size_gb = 1")
    told: list[ModelTold] = []
    loaded: list[list[str]] = []
    port = ports.choose()
    figures = ModelFigures("cpu-0", port)

    def hear(event: ModelTold) -> None:
        told.append(event)
        figures.told(event)

    environ = os.environ | {"STORYREEL_MODELS": str(registry), "OMP_NUM_THREADS": "1"}
    child = RenderChild([], environ, on_model=hear)
    try:
        for number, engine in enumerate(["diffusers", "diffusers/one", "diffusers/two", "diffusers/one"]):
            done = await child.render(job(tmp_path, engine, "a cat", str(number)), lambda _: None)
            assert isinstance(done, Done), done
            loaded.append(done.loaded)
        during = await metrics(port)
    finally:
        await child.kill()
    assert loaded == [["diffusers"], ["diffusers", "diffusers/one"], ["diffusers/two"], ["diffusers", "diffusers/one"]]
    assert [(event.kind, event.model) for event in told] == [
        ("loaded", "one"),
        ("hit", "one"),
        ("evicted", "one"),
        ("loaded", "two"),
        ("evicted", "two"),
        ("loaded", "one"),
        ("ended", ""),
    ]
    size = round(0.6 * 1024**3)
    assert [event.held for event in told] == [size, size, 0, size, 0, size, 0]
    for model, loads, hits, evictions in (("one", 2, 1, 1), ("two", 1, None, 1)):
        labels = f'{{device="cpu-0",model="{model}"}}'
        assert during.get(f"storyreel_model_loads_total{labels}") == loads
        assert during.get(f"storyreel_model_hits_total{labels}") == hits
        assert during.get(f"storyreel_model_evictions_total{labels}") == evictions
        assert during[f"storyreel_model_load_seconds_sum{labels}"] > 0
    bytes_held = 'storyreel_model_bytes{device="cpu-0"}'
    assert (during[bytes_held], (await metrics(port))[bytes_held]) == (size, 0)
