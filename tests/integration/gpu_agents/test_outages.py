"""What an agent does while the broker or the object store is away."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from infra.local.lifecycle import State
from infra.local.stack import LocalStack
from infra.object_store import create_object_store
from infra.settings import Settings
from schemas.render import (
    DeviceJoined,
    RenderCommand,
    StageProgressed,
    StageReport,
    StageStartedReport,
    StageSucceededReport,
)
from tests.integration.gpu_agents.coordinating import Desk, desk_and_agent

pytestmark = pytest.mark.timeout(120)


@contextmanager
def frozen_broker(stack: LocalStack) -> Iterator[None]:
    """The broker answers nobody within the block."""
    [pid] = [record.pid for record in stack.state.processes if record.name == "kafka"]
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def killed_broker(stack: LocalStack) -> None:
    """The broker dies without a word; returns when the supervisor has it back."""
    assert stack.supervisor is not None
    kafka = stack.supervisor.runners["kafka"]
    assert kafka.process is not None
    restarts = kafka.restarts
    os.killpg(kafka.process.pid, signal.SIGKILL)
    while kafka.restarts == restarts or kafka.state is not State.READY:
        await asyncio.sleep(0.05)


async def rendering(desk: Desk, gate: Path) -> RenderCommand:
    """A command that renders until `gate` exists."""
    command = await desk.order(f"until_file {gate}")
    await desk.expect(StageProgressed, lambda p: p.task_id == command.task_id)
    return command


async def test_a_render_finished_during_a_short_outage_of_the_broker_is_reported_after_it(
    stack: LocalStack, settings: Settings, tmp_path: Path
) -> None:
    async with desk_and_agent(settings, "out-cpu-0", 20) as (desk, _):
        command = await rendering(desk, tmp_path / "gate")
        with frozen_broker(stack):
            (tmp_path / "gate").touch()
            await asyncio.sleep(1.0)  # the outage itself
        [report] = await desk.expect(StageSucceededReport, lambda r: r.task_id == command.task_id)
        assert report.epoch == 1
        assert len({j.boot_id for j in desk.all(DeviceJoined)}) == 1


async def test_a_long_outage_of_the_broker_costs_the_lease_and_the_work_starts_anew(
    stack: LocalStack, settings: Settings, tmp_path: Path
) -> None:
    async with desk_and_agent(settings, "out-cpu-1", 21) as (desk, _):
        command = await rendering(desk, tmp_path / "gate")
        with frozen_broker(stack):
            await asyncio.sleep(settings.lease_timeout)  # the outage itself
        await desk.grant(but=desk.boot_id)
        (tmp_path / "gate").touch()
        again = await desk.order("paint", task_id=command.task_id, attempt=2)
        await desk.expect(StageSucceededReport, lambda r: r.task_id == again.task_id)
        kinds = [(type(r).__name__, r.attempt, r.epoch) for r in desk.seen if isinstance(r, StageReport)]
        assert kinds == [("StageStartedReport", 1, 1), ("StageStartedReport", 2, 2), ("StageSucceededReport", 2, 2)]


async def test_an_agent_outlives_a_killed_broker_and_joins_again(
    stack: LocalStack, settings: Settings, tmp_path: Path
) -> None:
    hasty = replace(settings, lease_timeout=2.5)  # the lease runs out while nobody listens on the broker's port
    async with desk_and_agent(hasty, "out-cpu-5", 25) as (desk, process):
        command = await rendering(desk, tmp_path / "gate")
        await killed_broker(stack)
        back = time.monotonic()
        await desk.grant(but=desk.boot_id)
        again = await desk.order("paint", task_id=command.task_id, attempt=2)
        [report] = await desk.expect(StageSucceededReport, lambda r: r.task_id == again.task_id)
        assert (report.attempt, report.epoch) == (2, 2)
        assert time.monotonic() - back < 10
        assert process.returncode is None


async def test_results_wait_on_disk_for_a_store_that_is_away(settings: Settings, tmp_path: Path) -> None:
    async with desk_and_agent(settings, "out-cpu-2", 22) as (desk, _):
        command = await rendering(desk, tmp_path / "gate")
        objects, away = settings.data_dir / "objects", tmp_path / "away"
        objects.rename(away)
        objects.write_text("no folder")
        (tmp_path / "gate").touch()
        other = await desk.order("paint")
        await desk.expect(StageStartedReport, lambda r: r.task_id == other.task_id)
        assert not desk.all(StageSucceededReport)
        objects.unlink()
        away.rename(objects)
        reports = await desk.expect(StageSucceededReport, count=2)
        assert {r.task_id for r in reports} == {command.task_id, other.task_id}
        store = create_object_store(settings, b"k" * 32)
        for report in reports:
            assert [(await store.stat(a.key)).sha256 for a in report.artifacts] == [a.sha256 for a in report.artifacts]  # type: ignore[union-attr]


async def test_previews_are_stored_beside_the_progress(settings: Settings, tmp_path: Path) -> None:
    async with desk_and_agent(settings, "out-cpu-3", 23) as (desk, _):
        command = await rendering(desk, tmp_path / "gate")
        [progress] = desk.all(StageProgressed)
        store = create_object_store(settings, b"k" * 32)
        assert progress.preview_key == f"previews/{command.task_id}/shot-01.jpg"
        assert await store.get(progress.preview_key) == b"a small jpeg"


async def test_many_small_commands_pass_quickly_and_in_order(settings: Settings) -> None:
    async with desk_and_agent(settings, "out-cpu-4", 24) as (desk, _):
        warm = await desk.order("paint")
        await desk.expect(StageSucceededReport, lambda r: r.task_id == warm.task_id)
        started = time.monotonic()
        commands = [await desk.order("paint") for _ in range(100)]
        await desk.expect(StageSucceededReport, count=101)
        print(f"{100 / (time.monotonic() - started):.0f} commands/s")
        begun = [r.task_id for r in desk.all(StageStartedReport)]
        assert begun == [warm.task_id, *(c.task_id for c in commands)]
