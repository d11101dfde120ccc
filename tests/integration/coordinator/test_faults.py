"""Kills, outages and rivals: whatever happens to coordinator or broker, each request is decided once and the log stays whole."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Callable, Sequence

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from infra.kafka import assigned, committed_end, create_producer
from infra.local.stack import LocalStack
from schemas.decisions import Outcome
from schemas.entities import DeviceChanged, DeviceStatus
from schemas.envelope import Stamp
from schemas.ids import new_id
from schemas.render import StageStartedReport
from schemas.requests import ImageRequested
from schemas.tasks import TaskCompleted, TaskQueued
from streams.coordinator import policy_of
from streams.recovery import Recovered
from streams.standby import recover
from tests.integration.coordinator.conftest import LEASE
from tests.integration.coordinator.desk import Coordinator, Desk, check_ledger, envelope, images, read_ledger
from tests.integration.coordinator.device import device

BULK = 3_000
KILLS = 10
PER_LIFE = 55


async def fold(desk: Desk) -> Recovered:
    """The state of a coordinator that starts now."""
    return await recover(desk.settings, desk.codec, policy_of(desk.settings))


async def all_decided(desk: Desk, requests: Sequence[ImageRequested]) -> None:
    await desk.until(lambda: all(desk.decisions[r.request.request_id] for r in requests))
    for request in requests:
        (decision,) = desk.decisions[request.request.request_id]
        assert decision.outcome is Outcome.ACCEPTED


async def test_kill_after_kill_loses_and_doubles_nothing(desk: Desk, coordinator: Coordinator) -> None:
    account, engine = await desk.account(), new_id()
    requests: list[ImageRequested] = []
    chance = random.Random(7)
    async with device(desk, engine, works=True) as worker:
        for _ in range(KILLS):
            for _ in range(PER_LIFE):
                requests.append(images(account, engine))
                await desk.post(requests[-1])
            first = requests[-chance.randrange(1, PER_LIFE)]
            await desk.until(lambda wanted=first: bool(desk.decisions[wanted.request.request_id]))  # type: ignore[misc]
            await asyncio.sleep(chance.uniform(0, 0.03))  # anywhere in its work, also in the middle of a transaction
            await coordinator.kill()
            await coordinator.start()
        await all_decided(desk, requests)
        tasks = {request.request.task_id for request in requests}
        await desk.until(lambda: tasks <= {done.task_id for done in desk.all(TaskCompleted)})
        assert len([done for done in desk.all(TaskCompleted) if done.task_id in tasks]) == len(tasks)
        assert desk.all(DeviceChanged, device_id=worker.device_id, status=DeviceStatus.LOST) == []
    await coordinator.kill()
    check_ledger(await read_ledger(desk))
    once, again = await fold(desk), await fold(desk)
    assert once.state == again.state
    assert once.heads == again.heads


async def test_aborted_and_hanging_transactions_never_happened(desk: Desk, coordinator: Coordinator) -> None:
    """Every ledger partition ends with the records of a transaction that a killed coordinator left open."""
    await coordinator.kill()
    before = await fold(desk)
    for hanging in (False, True):
        producer = create_producer(desk.settings.kafka, "coordinator-0", transaction_timeout_ms=15_000)
        await producer.start()
        await producer.begin_transaction()
        ghost = TaskQueued(task_id="ghost", stamp=Stamp(shard_seq=before.heads.shard_seq + 1, partition_seq=1))
        for place in desk.ledger_places():
            sent = await producer.send(place.topic, desk.codec.encode(ghost), key=b"ghost", partition=place.partition)
            await sent
        if not hanging:
            await producer.abort_transaction()
            await producer.stop()
            assert await fold(desk) == before
    await coordinator.start()
    account = await desk.account()
    assert (await desk.ask(images(account, "nobody-has-it"))).outcome is Outcome.ACCEPTED
    await producer.stop()
    check_ledger(await read_ledger(desk))
    assert desk.all(TaskQueued, task_id="ghost") == []


async def test_reports_whose_retention_passed_unread_do_not_keep_it_from_starting(
    desk: Desk, coordinator: Coordinator
) -> None:
    await coordinator.kill()
    for _ in range(3):
        await desk.write(StageStartedReport(envelope=envelope(""), task_id="nobody", stage_id="x"))
    reports = TopicPartition("reports", 0)
    async with assigned(desk.settings.kafka, {reports: None}) as consumer:
        end = (await committed_end(consumer, [reports]))[reports]
    admin = AIOKafkaAdminClient(bootstrap_servers=desk.settings.kafka)
    await admin.start()
    await admin.delete_records({reports: RecordsToDelete(before_offset=end)})
    await admin.close()
    await coordinator.start()
    account, engine = await desk.account(), new_id()
    async with device(desk, engine, works=True):
        request = images(account, engine)
        await desk.ask(request)
        await desk.expect(TaskCompleted, task_id=request.request.task_id)


async def test_bulk(desk: Desk, coordinator: Coordinator, record_property: Callable[[str, object], None]) -> None:
    """Thousands of requests wait when the coordinator starts: the rate of decisions, and of reading them back."""
    accounts = [await desk.account() for _ in range(5)]
    await coordinator.kill()
    requests = [images(accounts[n % 5], "nobody-has-it") for n in range(BULK)]
    for request in requests:
        await desk.post(request)
    await desk.producer.flush()
    await coordinator.start()
    await all_decided(desk, requests)
    times = [desk.decisions[request.request.request_id][0].envelope.occurred_at for request in requests]
    rate = BULK / (max(times) - min(times)).total_seconds()
    single = images(accounts[0], "nobody-has-it")
    asked = time.monotonic()
    await desk.ask(single)
    wait = 1000 * (desk.arrived_at[single.request.request_id] - asked)
    await coordinator.kill()
    start = time.monotonic()
    found = await fold(desk)
    seconds = time.monotonic() - start
    record_property("decisions_per_second", round(rate))
    record_property("recovered_events_per_second", round(found.events / seconds))
    print(f"\n{rate:.0f} decisions/s; {wait:.0f} ms with {BULK} waiting; {found.events} events in {seconds:.2f} s")
    assert rate > 100
    check_ledger(await read_ledger(desk))


async def test_a_broker_that_dies_and_returns_is_waited_for(
    desk: Desk, coordinator: Coordinator, stack: LocalStack
) -> None:
    account = await desk.account()
    assert stack.supervisor is not None
    broker = stack.supervisor.runners["kafka"]
    requests = [images(account, "nobody-has-it") for _ in range(200)]
    for number, request in enumerate(requests):
        await desk.post(request)
        if number == 100:
            await desk.until(lambda: bool(desk.decisions[requests[50].request.request_id]))
            assert broker.process is not None
            broker.process.send_signal(signal.SIGKILL)
    await all_decided(desk, requests)
    assert coordinator.running
    check_ledger(await read_ledger(desk))


@pytest.mark.parametrize("who", ["coordinator", "broker"])
async def test_a_pause_longer_than_the_lease_costs_no_device_its_lease(
    desk: Desk, coordinator: Coordinator, stack: LocalStack, who: str
) -> None:
    account, engine = await desk.account(), new_id()
    assert stack.supervisor is not None
    broker = stack.supervisor.runners["kafka"].process
    paused = coordinator.process if who == "coordinator" else broker
    assert paused is not None
    async with device(desk, engine, works=True) as one, device(desk, engine, works=True) as other:
        paused.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(LEASE + 1.5)
        finally:
            paused.send_signal(signal.SIGCONT)
        request = images(account, engine, count=4)
        await desk.ask(request)
        await desk.expect(TaskCompleted, task_id=request.request.task_id)
        await asyncio.sleep(LEASE + 0.5)  # long enough for a lease to lapse, had its clock gone on
        for worker in (one, other):
            assert desk.all(DeviceChanged, device_id=worker.device_id, status=DeviceStatus.LOST) == []
