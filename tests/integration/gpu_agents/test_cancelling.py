"""Cancel at every moment of a command's life: nothing is delivered, and the device goes on with the next one in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.object_store import create_object_store
from infra.object_store.faults import ERRORS, SLOW, arm
from infra.settings import Settings
from schemas.render import RenderCommand, StageFailedReport, StageProgressed, StageStartedReport, StageSucceededReport
from schemas.specs import ShotSpec
from tests.integration.gpu_agents.coordinating import Desk, desk_and_agent

pytestmark = pytest.mark.timeout(120)
PROMISE = 4.0  # seconds from the order to the next command: 2 for the job to stop, 2 for the device to be free
BUSY = 2.0  # how many times longer a shared test machine may take


@pytest.fixture(scope="module")
async def desk(settings: Settings, faults: Path) -> AsyncIterator[Desk]:
    async with desk_and_agent(settings, "cancel-cpu-0", 40) as (desk, _):
        yield desk


async def cancelled(desk: Desk, command: RenderCommand) -> StageFailedReport:
    """Its outcome, which says that it was cancelled."""
    [report, *again] = await desk.expect(StageFailedReport, lambda r: r.task_id == command.task_id)
    assert report.cancelled
    assert all(other.envelope.event_id == report.envelope.event_id for other in again)
    assert not desk.all(StageSucceededReport, lambda r: r.task_id == command.task_id)
    return report


@pytest.mark.parametrize(("prompt", "promise"), [("until_cancelled", 2.0), ("hang {}/pids", PROMISE)])
async def test_the_next_command_begins_in_time(desk: Desk, tmp_path: Path, prompt: str, promise: float) -> None:
    running = await desk.order(prompt.format(tmp_path))
    await desk.expect(StageProgressed, lambda p: p.task_id == running.task_id)
    after = await desk.order("paint")
    began = time.monotonic()
    await desk.cancel(running)
    await desk.cancel(running)  # twice is no more than once
    await desk.expect(StageStartedReport, lambda r: r.task_id == after.task_id)
    took = time.monotonic() - began
    print(f"{prompt.split(maxsplit=1)[0]}: the next command is rendering {took:.2f} s after the order")
    assert took < BUSY * promise
    await desk.expect(StageSucceededReport, lambda r: r.task_id == after.task_id)
    await cancelled(desk, running)


async def test_while_inputs_are_fetched(desk: Desk, settings: Settings, faults: Path) -> None:
    await create_object_store(settings, b"k" * 32).put("uploads/own.png", b"own", "image/png")
    slow = arm(faults, SLOW, 1, milliseconds=600_000)
    waiting = desk.command(ShotSpec(prompt="paint", image_key="uploads/own.png"))
    await desk.write(waiting)
    await desk.expect(StageStartedReport, lambda r: r.task_id == waiting.task_id)
    while slow.exists():  # the download has not begun
        await asyncio.sleep(0.02)
    await desk.cancel(waiting)
    await cancelled(desk, waiting)
    after = await desk.order("paint")
    await desk.expect(StageSucceededReport, lambda r: r.task_id == after.task_id)


async def test_while_results_wait_for_a_store_that_is_away(desk: Desk, settings: Settings, faults: Path) -> None:
    away = faults / ERRORS
    away.touch()
    try:
        stuck = await desk.order("paint")
        other = await desk.order("paint")
        await desk.expect(StageStartedReport, lambda r: r.task_id == other.task_id)  # so the first one is rendered
        await desk.cancel(stuck)
        await cancelled(desk, stuck)
    finally:
        away.unlink()
    await desk.expect(StageSucceededReport, lambda r: r.task_id == other.task_id)
    store = create_object_store(settings, b"k" * 32)
    assert [o.key async for o in store.list(f"results/{stuck.task_id}")] == []
