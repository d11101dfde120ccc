"""What clients and devices see of a coordinator that nothing happens to."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from schemas.decisions import Outcome
from schemas.ids import new_id
from schemas.quotas import QuotaCommitted, QuotaReserved
from schemas.render import CancelCommand, RenderCommand, StageFailedReport, StageStartedReport, StageSucceededReport
from schemas.requests import CancellationRequested
from schemas.tasks import StageRetryScheduled, StageStarted, TaskCancelled, TaskCompleted, TaskQueued
from tests.integration.coordinator.desk import Coordinator, Desk, check_ledger, envelope, images, info, read_ledger
from tests.integration.coordinator.device import device

pytestmark = pytest.mark.usefixtures("coordinator")


async def test_a_task_lives_from_request_to_charge(desk: Desk) -> None:
    account, engine = await desk.account(), new_id()
    async with device(desk, engine) as worker:
        request = images(account, engine, count=2)
        assert (await desk.ask(request)).outcome is Outcome.ACCEPTED
        task = request.request.task_id
        commands = await desk.expect(RenderCommand, 2, task_id=task)
        assert {command.epoch for command in commands} == {worker.epoch}
        for command in commands:
            await worker.report(StageStartedReport, command)
            await worker.report(StageSucceededReport, command)
        (done,) = await desk.expect(TaskCompleted, task_id=task)
        assert [artifact.stage_id for artifact in done.outputs] == ["shot-01", "shot-02"]
        assert len(desk.all(StageStarted, task_id=task)) == 2
        (reserved,) = desk.all(QuotaReserved, task_id=task)
        (committed,) = await desk.expect(QuotaCommitted, task_id=task)
        assert (reserved.amount, committed.amount, committed.reserved) == (2, 2, 0)


async def test_cancelled_work_stops_on_its_device_and_ends_cancelled(desk: Desk) -> None:
    account, engine = await desk.account(), new_id()
    async with device(desk, engine) as worker:
        request = images(account, engine)
        await desk.ask(request)
        task = request.request.task_id
        (command,) = await desk.expect(RenderCommand, task_id=task)
        await desk.ask(CancellationRequested(envelope=envelope(account), request=info(task)))
        await desk.expect(CancelCommand, task_id=task, attempt=command.attempt)
        await worker.report(StageFailedReport, command)
        await desk.expect(TaskCancelled, task_id=task)


async def test_each_request_is_decided_once_and_soon(
    desk: Desk, record_property: Callable[[str, object], None]
) -> None:
    account, waits = await desk.account(), []
    for _ in range(40):
        request = images(account, "nobody-has-it")
        began = time.monotonic()
        await desk.ask(request)
        waits.append(1000 * (desk.arrived_at[request.request.request_id] - began))
    again = replace(request, request=replace(request.request, request_id=new_id()))
    assert (await desk.ask(again)).outcome is Outcome.DUPLICATE
    assert all(len(found) == 1 for found in desk.decisions.values())
    middle = statistics.median(waits)
    record_property("decision_p50_ms", round(middle, 1))
    print(f"\ndecision p50 {middle:.1f} ms, worst {max(waits):.1f} ms")
    assert middle < 250


async def test_a_lost_devices_work_goes_to_another(desk: Desk) -> None:
    account, engine = await desk.account(), new_id()
    async with device(desk, engine) as silent:
        request = images(account, engine)
        await desk.ask(request)
        task = request.request.task_id
        await desk.expect(RenderCommand, task_id=task, device_id=silent.device_id)
        async with device(desk, engine) as other:
            silent.beating = False
            (retry,) = await desk.expect(StageRetryScheduled, task_id=task)
            assert not retry.counted
            (command,) = await desk.expect(RenderCommand, task_id=task, device_id=other.device_id)
            assert command.attempt == 2
            await other.report(StageSucceededReport, command)
            await desk.expect(TaskCompleted, task_id=task)


async def test_poison_is_kept_once_and_stops_nobody(desk: Desk, coordinator: Coordinator) -> None:
    account = await desk.account()
    headers = [("ce_id", b"42"), ("note", b"\xff\x00")]
    poison = b"\x07no avro at all " + new_id().encode()
    large = b"\x07" * 2_050_000
    async with desk.producer_for_large() as producer:
        for value in (poison, None, large):
            await producer.send_and_wait("requests", value, key=b"who", partition=0, headers=headers)
    await desk.producer.send_and_wait("reports", poison, key=b"who", partition=0, headers=headers)
    await desk.until(lambda: len(desk.dead) == 4)
    kept = next(dead for dead in desk.dead if dead.value == poison)
    assert kept.key == b"who"
    assert kept.headers[:2] == tuple(headers)
    assert b"magic byte 7" in dict(kept.headers)["dlq.reason"]
    await coordinator.kill()
    await coordinator.start()
    assert (await desk.ask(images(account, "nobody-has-it"))).outcome is Outcome.ACCEPTED
    assert len(desk.dead) == 4, "a restart reads on behind the poison"
    check_ledger(await read_ledger(desk))


async def test_what_is_decided_too_late_is_not_done(desk: Desk) -> None:
    account = await desk.account()
    late = images(account, "nobody-has-it")
    late = replace(late, request=replace(late.request, valid_until=info("x", valid=-1).valid_until))
    assert (await desk.ask(late)).outcome is Outcome.EXPIRED
    assert desk.all(TaskQueued, task_id=late.request.task_id) == []
