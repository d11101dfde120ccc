"""A render that takes far longer than its engine estimated is ended and can be tried again."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.child.protocol import Done, Failed, Render
from gpu_agents.worker.outcomes import problem_of
from gpu_agents.worker.render_child import RenderChild
from gpu_agents.worker.watchdog import RenderLimit
from schemas.specs import ShotSpec
from tests.unit.gpu_agents.test_render_child import ENGINES, Began, gone, nothing

LIMIT = RenderLimit(least=0.4, factor=0.1)


@pytest.fixture
async def child() -> AsyncIterator[RenderChild]:
    child = RenderChild(ENGINES, os.environ, LIMIT)
    await child.probe("puppet", 20)  # the start of the interpreter is no part of what is measured
    yield child
    await child.kill()


def job(tmp_path: Path, prompt: str, estimate: str = "") -> Render:
    spec = ShotSpec(prompt=prompt, negative_prompt=estimate)
    return Render(job_id="job", engine="puppet", spec=spec, workdir=str(tmp_path))


@given(st.floats(min_value=0, max_value=1e9))
def test_a_render_has_ten_minutes_or_twenty_times_its_estimate(estimated: float) -> None:
    assert RenderLimit().seconds(estimated) == (600 if estimated <= 30 else 20 * estimated)


async def test_a_render_over_its_limit_is_told_to_stop_and_the_child_stays(child: RenderChild, tmp_path: Path) -> None:
    pid = child.pid
    failed = await asyncio.wait_for(child.render(job(tmp_path, "until_cancelled"), nothing), 2)
    assert isinstance(failed, Failed)
    problem = problem_of(failed)
    assert (problem.code, problem.retryable, failed.cancelled) == ("render_timeout", True, False)
    assert isinstance(await child.render(job(tmp_path, "paint"), nothing), Done)
    assert child.pid == pid


async def test_one_that_does_not_stop_is_killed_with_all_it_started(child: RenderChild, tmp_path: Path) -> None:
    pid, started = child.pid, time.monotonic()
    failed = await child.render(job(tmp_path, f"hang {tmp_path}/pids"), nothing)
    assert isinstance(failed, Failed)
    assert (failed.code, failed.retryable, failed.cancelled) == ("render_timeout", True, False)
    assert 2.3 <= time.monotonic() - started < 5
    assert await gone([pid, *map(int, (tmp_path / "pids").read_text().split())])


async def test_a_longer_estimate_gives_more_time(child: RenderChild, tmp_path: Path) -> None:
    began, gate = Began(), tmp_path / "gate"
    running = asyncio.create_task(child.render(job(tmp_path, f"until_file {gate}", "seconds 200"), began))
    await began.event.wait()
    with pytest.raises(TimeoutError):  # it still renders after twice the least limit
        await asyncio.wait_for(asyncio.shield(running), 2 * LIMIT.least)
    gate.touch()
    assert isinstance(await running, Done)


async def test_a_cancelled_task_is_cancelled_even_when_it_is_late(child: RenderChild, tmp_path: Path) -> None:
    began = Began()
    running = asyncio.create_task(child.render(job(tmp_path, f"hang {tmp_path}/pids"), began))
    await began.event.wait()
    with pytest.raises(TimeoutError):  # the limit passes, the grace does not
        await asyncio.wait_for(asyncio.shield(running), 2 * LIMIT.least)
    await child.cancel("job")
    failed = await running
    assert isinstance(failed, Failed)
    assert (failed.code, failed.cancelled) == ("cancelled", True)


async def test_an_estimate_that_hangs_is_ended_too(child: RenderChild, tmp_path: Path) -> None:
    failed = await asyncio.wait_for(child.render(job(tmp_path, "paint", "hangs"), nothing), 5)
    assert isinstance(failed, Failed)
    assert (failed.code, failed.retryable) == ("render_timeout", True)


@pytest.mark.parametrize("estimate", ["fails secret", "seconds nan", "seconds inf", "seconds -1"])
async def test_an_estimate_that_is_none_is_an_error_of_the_engine(
    child: RenderChild, tmp_path: Path, estimate: str
) -> None:
    failed = await child.render(job(tmp_path, "paint", estimate), nothing)
    assert isinstance(failed, Failed)
    assert (failed.code, failed.retryable, failed.cancelled) == ("engine_error", True, False)
    assert "secret" not in failed.detail
    assert isinstance(await child.render(job(tmp_path, "paint"), nothing), Done)
