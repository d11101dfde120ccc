"""Real agents under a real coordinator: they join, leave, stand still and come back whenever they like."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.local.stack import LocalStack, StackOptions
from infra.settings import Settings
from schemas.entities import DeviceChanged, DeviceStatus
from schemas.tasks import StageDispatched, StageRetryScheduled, StageStarted
from schemas.topics import TOPICS
from tests.faults.frozen_agents import Arena, agent_process, arena, short_leases

pytestmark = pytest.mark.timeout(180)
LEASE = 2.5
MORE_THAN_ONE_DEVICE_HOLDS = 70  # tasks; a device is given at most 64


@pytest.fixture(scope="module")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    base = short_leases(Settings(device_slots=16), LEASE)
    options = StackOptions(apps=("coordinator",), topics=TOPICS, base=base)
    async with (
        LocalStack(tmp_path_factory.mktemp("stack"), options=options) as stack,
        arena(stack.settings, 5) as opened,
    ):
        yield opened


async def test_outcomes_of_frozen_agents_change_nothing(fleet: Arena) -> None:
    for _ in range(2):
        await fleet.freeze()
    verdict = await fleet.verdict()
    print(f"{fleet.stops} stops, {verdict.tasks} tasks, {verdict.epochs} epochs, {verdict.late} late reports")
    assert verdict.holds, verdict
    assert verdict.epochs >= 5 + fleet.stops


async def test_a_device_joins_a_full_queue_and_leaves_its_work_to_the_others(fleet: Arena, tmp_path: Path) -> None:
    gate, desk = tmp_path / "gate", fleet.desk
    await fleet.ask(5 * MORE_THAN_ONE_DEVICE_HOLDS, f"until_file {gate}")
    async with agent_process(desk.settings, "late-cpu-0") as late:
        [began, *_] = await desk.expect(StageStarted, device_id="late-cpu-0", patience=60)
        told = time.monotonic()
        late.send_signal(signal.SIGTERM)
        assert await late.wait() == 0
        print(f"the device left within {time.monotonic() - told:.1f} s")
    [left] = await desk.expect(DeviceChanged, device_id="late-cpu-0", status=DeviceStatus.LEFT)
    assert left.reason == "stopped"
    given = {d.task_id for d in desk.all(StageDispatched, device_id="late-cpu-0")}
    await desk.until(lambda: {r.task_id for r in desk.all(StageRetryScheduled)} >= given)
    assert began.task_id in given
    assert not [r for r in desk.all(StageRetryScheduled) if r.task_id in given and r.counted]
    gate.touch()
    await fleet.finish()
    assert (await fleet.verdict()).holds
