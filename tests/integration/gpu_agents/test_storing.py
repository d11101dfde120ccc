"""What an agent makes of a store that lies, fails or is full, and of a disk of its own that takes no files."""

from __future__ import annotations

import hashlib
import resource
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.object_store import create_object_store
from infra.object_store.faults import ERRORS, FULL, SLOW, TRUNCATED, arm
from infra.settings import Settings
from infra.troubles import TROUBLE_FILE, read_troubles
from schemas.render import DeviceLeft, StageFailedReport, StageSucceededReport
from tests.integration.gpu_agents.coordinating import Desk, desk_and_agent
from tests.integration.local.helpers import until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
async def desk(settings: Settings, faults: Path) -> AsyncIterator[Desk]:
    async with desk_and_agent(settings, "store-cpu-0", 41) as (desk, _):
        yield desk


@pytest.mark.parametrize("fault", [TRUNCATED, FULL, ERRORS, SLOW])
async def test_what_is_reported_lies_whole_in_the_store(
    desk: Desk, settings: Settings, faults: Path, fault: str
) -> None:
    armed = arm(faults, fault, 2, milliseconds=300)
    command = await desk.order("last 0")
    [report] = await desk.expect(StageSucceededReport, lambda r: r.task_id == command.task_id)
    assert not armed.exists()
    store = create_object_store(settings, b"k" * 32)
    [artifact] = report.artifacts
    data = await store.get(artifact.key)
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (artifact.sha256, artifact.size)
    assert not desk.all(StageFailedReport, lambda r: r.task_id == command.task_id)


async def test_a_device_that_cannot_write_leaves_without_an_outcome_and_comes_back(
    desk: Desk, settings: Settings
) -> None:
    scratch = settings.data_dir / "scratch" / desk.device_id
    shutil.rmtree(scratch)
    scratch.write_text("no folder")
    command = await desk.order("paint")
    [left] = await desk.expect(DeviceLeft, lambda r: r.boot_id == desk.boot_id)
    assert "cannot write its working files" in left.reason
    assert not desk.all(StageFailedReport, lambda r: r.task_id == command.task_id)
    scratch.unlink()
    await desk.grant(but=desk.boot_id)
    again = await desk.order("paint", task_id=command.task_id)
    await desk.expect(StageSucceededReport, lambda r: r.task_id == again.task_id)


async def test_a_device_without_room_takes_no_work_until_there_is_some(
    settings: Settings, faults: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "device.trouble"
    monkeypatch.setenv(TROUBLE_FILE, str(told))
    async with desk_and_agent(settings, "full-cpu-1", 42) as (desk, process):
        unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1_000_000, unlimited[1]))
        command = await desk.order("full")
        [left] = await desk.expect(DeviceLeft)
        assert (left.boot_id, left.reason) == (desk.boot_id, "the device's disk is full")
        await until(lambda: "disk is full" in "".join(read_troubles(told, process.pid)))
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
        await desk.grant(but=left.boot_id)
        again = await desk.order("paint", task_id=command.task_id)
        await desk.expect(StageSucceededReport, lambda r: r.task_id == again.task_id)
        assert not desk.all(StageFailedReport)
        assert read_troubles(told, process.pid) == []
        (faults / ERRORS).touch()
        waiting = await desk.order("paint")
        await until(lambda: "object store" in "".join(read_troubles(told, process.pid)))
        (faults / ERRORS).unlink()
        await desk.expect(StageSucceededReport, lambda r: r.task_id == waiting.task_id)
        assert read_troubles(told, process.pid) == []


async def test_a_job_too_large_for_a_disk_with_room_is_worth_another_attempt(desk: Desk) -> None:
    command = await desk.order("full")
    [report] = await desk.expect(StageFailedReport, lambda r: r.task_id == command.task_id)
    assert (report.problem.type, report.problem.code) == ("ResourceUnavailable", "disk_full")
    assert report.problem.retryable
