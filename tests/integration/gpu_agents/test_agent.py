"""An agent process on a real broker, from the first word to the last."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from infra.object_store import create_object_store
from infra.settings import Settings
from schemas.envelope import Record
from schemas.ids import new_id
from schemas.render import (
    DeviceHeartbeat,
    DeviceJoined,
    DeviceLeft,
    RenderCommand,
    StageFailedReport,
    StageProgressed,
    StageReport,
    StageSucceededReport,
)
from schemas.specs import ShotSpec
from tests.integration.gpu_agents.coordinating import ROOT, Desk, desk_and_agent

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    """One agent for all tests that leave it its lease and its life."""
    async with desk_and_agent(settings, "it-cpu-0", 0) as (desk, _):
        yield desk


def of(command: RenderCommand):  # type: ignore[no-untyped-def]
    return lambda report: (report.task_id, report.attempt) == (command.task_id, command.attempt)


def outcomes(seen: list[Record], command: RenderCommand) -> list[str]:
    return [type(r).__name__ for r in seen if isinstance(r, StageReport) and r.task_id == command.task_id]


async def test_a_picture_is_rendered_stored_and_reported(desk: Desk, settings: Settings) -> None:
    [joined] = desk.all(DeviceJoined)[:1]
    assert {(e.name, e.kind) for e in joined.engines} == {("puppet", "image"), ("null", "image")}
    assert (joined.kind, joined.memory_bytes > 1 << 28) == ("cpu", True)
    command = desk.command(ShotSpec(prompt="a hill", width=512, height=512, seed=1), engine="null", seed=77)
    await desk.write(command)
    [report] = await desk.expect(StageSucceededReport, of(command))
    assert outcomes(desk.seen, command) == ["StageStartedReport", "StageSucceededReport"]
    main, thumbnail = report.artifacts
    assert main.key == f"results/{command.task_id}/shot-01/a1-e1/main.png"
    assert (main.width, main.height, main.content_type, thumbnail.role) == (512, 512, "image/png", "thumbnail")
    store = create_object_store(settings, b"k" * 32)
    data = await store.get(main.key)
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (main.sha256, main.size)
    assert desk.open_result(report.sealed)["recipe"]["seed"] == 77
    [beat] = (await desk.expect(DeviceHeartbeat, lambda b: b.memory_used > 0))[:1]
    assert (beat.boot_id, beat.epoch) == (desk.boot_id, 1)
    assert not list((settings.data_dir / "scratch" / "it-cpu-0").iterdir())


async def test_commands_run_one_after_another_and_repeats_are_not_rendered_again(desk: Desk) -> None:
    first = await desk.order("paint")
    [report] = await desk.expect(StageSucceededReport, of(first))
    await desk.write(first)
    again = (await desk.expect(StageSucceededReport, of(first), count=2))[1]
    assert again == report
    assert outcomes(desk.seen, first).count("StageStartedReport") == 1
    retry = await desk.order("paint", task_id=first.task_id, attempt=2)
    await desk.expect(StageSucceededReport, of(retry))


async def test_failures_and_crashes_are_reported(desk: Desk) -> None:
    refused, crashed, fine = [await desk.order(p) for p in ("refuse", "segfault", "paint")]
    [report] = await desk.expect(StageFailedReport, of(refused))
    assert (report.problem.code, report.problem.retryable, report.cancelled) == ("too_blue", False, False)
    [report] = await desk.expect(StageFailedReport, of(crashed))
    assert (report.problem.code, report.problem.retryable) == ("child_crashed", True)
    await desk.expect(StageSucceededReport, of(fine))


async def test_an_erased_account_and_a_foreign_spec_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    keystore, erased, owner = desk.keystore, new_id(), new_id()
    monkeypatch.setattr(desk, "key", keystore.account_key(erased, create=True))
    monkeypatch.setattr(desk, "account", erased)
    other = desk.command(ShotSpec(prompt="paint"))
    monkeypatch.setattr(desk, "account", owner)
    keystore.account_key(owner, create=True)
    foreign = desk.command(ShotSpec(prompt="paint"))
    await desk.write(foreign)
    [report] = await desk.expect(StageFailedReport, of(foreign))
    assert (report.problem.code, report.problem.retryable) == ("spec_unreadable", False)
    keystore.erase_account(other.envelope.account_id)
    await desk.write(other)
    [report] = await desk.expect(StageFailedReport, of(other))
    assert (report.problem.code, report.problem.retryable) == ("key_erased", False)


async def test_cancel_reaches_running_and_waiting_commands(desk: Desk) -> None:
    running = await desk.order("until_cancelled")
    waiting = await desk.order("paint")
    [progress] = await desk.expect(StageProgressed, of(running))
    assert (progress.percent, progress.step, progress.steps) == (0.1, 1, 1000)
    await desk.expect(DeviceHeartbeat, lambda b: b.running == [f"{running.task_id}/shot-01/1"])
    await desk.cancel(waiting)
    await desk.expect(StageFailedReport, lambda r: r.task_id == waiting.task_id and r.cancelled)
    assert outcomes(desk.seen, waiting) == ["StageFailedReport"]
    await desk.cancel(running)
    started = time.monotonic()
    await desk.expect(StageFailedReport, lambda r: r.task_id == running.task_id and r.cancelled)
    assert time.monotonic() - started < 1.5
    after = await desk.order("paint")
    await desk.expect(StageSucceededReport, of(after))
    await desk.cancel(after)  # too late: the outcome comes again
    await desk.expect(StageSucceededReport, of(after), count=2)


async def test_a_job_deaf_to_cancel_is_killed_and_reported_cancelled(desk: Desk, tmp_path: Path) -> None:
    command = await desk.order(f"hang {tmp_path}/pids")
    await desk.expect(StageProgressed, of(command))
    await desk.cancel(command)
    [report] = await desk.expect(StageFailedReport, of(command))
    assert report.cancelled
    assert not any(map(psutil.pid_exists, map(int, (tmp_path / "pids").read_text().split())))


async def test_a_revoked_lease_stops_the_work_and_the_agent_joins_again(settings: Settings, tmp_path: Path) -> None:
    async with desk_and_agent(settings, "it-cpu-6", 6) as (desk, _):
        running, waiting = await desk.order(f"hang {tmp_path}/pids"), await desk.order("paint")
        await desk.expect(StageProgressed, of(running))
        old = desk.boot_id
        await desk.revoke()
        await desk.grant(but=old)
        stale = await desk.order("paint", epoch=1)
        fresh = await desk.order("paint")
        [report] = await desk.expect(StageSucceededReport, of(fresh))
        assert report.epoch == 2
        assert outcomes(desk.seen, running) == ["StageStartedReport"]
        assert outcomes(desk.seen, waiting) == outcomes(desk.seen, stale) == []
        assert not any(map(psutil.pid_exists, map(int, (tmp_path / "pids").read_text().split())))


async def test_poison_on_the_slot_stops_nothing(desk: Desk) -> None:
    """Its letters are written elsewhere, for slots that nobody holds, too."""
    for value in (b"\x00\x00", b"\x07" * 1_990_000):
        await desk.write_raw("render.commands", 0, value)
    command = await desk.order("paint")
    await desk.expect(StageSucceededReport, of(command))


async def test_sigterm_leaves_within_five_seconds_and_takes_everything_along(
    settings: Settings, tmp_path: Path
) -> None:
    async with desk_and_agent(settings, "it-cpu-8", 8) as (desk, process):
        command = await desk.order(f"hang {tmp_path}/pids")
        await desk.expect(StageProgressed, of(command))
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 4
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert time.monotonic() - started < 5
        [left] = await desk.expect(DeviceLeft)
        assert (left.boot_id, left.reason) == (desk.boot_id, "stopped")
        _, alive = psutil.wait_procs(children, timeout=3)
        assert alive == []
        assert outcomes(desk.seen, command) == ["StageStartedReport"]


async def test_a_frozen_agent_gives_its_lease_up_before_it_works_on(settings: Settings, tmp_path: Path) -> None:
    async with desk_and_agent(settings, "it-cpu-9", 9) as (desk, process):
        command = await desk.order(f"hang {tmp_path}/pids")
        await desk.expect(StageProgressed, of(command))
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(settings.lease_timeout)  # the outage itself, not a wait for the agent
        process.send_signal(signal.SIGCONT)
        await desk.grant(but=desk.boot_id)
        assert not any(map(psutil.pid_exists, map(int, (tmp_path / "pids").read_text().split())))


async def test_a_device_without_a_usable_engine_says_so_and_ends(settings: Settings) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gpu_agents", "--device", "it-cpu-11", "--offer", "nowhere"),
        env=dict(os.environ) | settings.to_env(),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, words = await process.communicate()
    assert process.returncode == 1
    assert b"none of the engines nowhere can be used here" in words


async def test_a_cancel_for_something_unknown_is_answered(desk: Desk) -> None:
    command = desk.command(ShotSpec(prompt="paint"))
    await desk.cancel(command)
    [report] = await desk.expect(StageFailedReport, of(command))
    assert report.cancelled
