from __future__ import annotations

import asyncio
import time

import psutil

from infra.kafka import create_producer
from infra.local.stack import LocalStack
from schemas.tasks import TaskCancelled
from schemas.topics import TASKS
from tests.integration.api.conftest import Coordinator, Followed


async def test_the_end_is_reached_only_after_everything_committed_was_taken(
    coordinator: Coordinator, followed: Followed
) -> None:
    for size in (1, 5, 50):
        before = len(followed.records)
        await coordinator.write([coordinator.event() for _ in range(size)])
        assert await followed.tail.reach_end(TASKS.name, 0, 5.0)
        assert len(followed.records) == before + size
        assert followed.tail.sequence(TASKS.name, 0) == followed.records[-1].stamp.partition_seq  # type: ignore[attr-defined]


async def test_asking_for_the_end_of_a_quiet_partition_is_quick(followed: Followed) -> None:
    took = []
    for _ in range(20):
        begun = time.perf_counter()
        assert await followed.tail.reach_end(TASKS.name, 0, 1.0)
        took.append(time.perf_counter() - begun)
    assert sorted(took)[10] < 0.03


async def test_aborted_records_are_never_seen(coordinator: Coordinator, followed: Followed) -> None:
    aborted, committed = coordinator.event(), coordinator.event()
    await coordinator.write([aborted], commit=False)
    await coordinator.write([committed])
    assert await followed.until(1) == [committed]
    assert await followed.tail.reach_end(TASKS.name, 0, 5.0)
    assert followed.records == [committed]


async def test_bytes_that_are_no_record_do_not_stop_it(
    stack: LocalStack, coordinator: Coordinator, followed: Followed
) -> None:
    producer = create_producer(stack.settings.kafka)
    await producer.start()
    for poison in (b"", b"\x00\x00\x00\x00\x01\xff", b"not avro at all"):
        await producer.send_and_wait(TASKS.name, poison, partition=0)
    await producer.stop()
    event = coordinator.event()
    await coordinator.write([event])
    assert await followed.until(1) == [event]
    assert followed.tail.poison == 3


async def test_a_killed_broker_loses_and_repeats_nothing(
    stack: LocalStack, coordinator: Coordinator, followed: Followed
) -> None:
    first, second = [coordinator.event() for _ in range(10)], [coordinator.event() for _ in range(10)]
    await coordinator.write(first)
    await followed.until(10)
    assert stack.supervisor is not None
    record = next(r for r in stack.supervisor.records() if r.name == "kafka")
    assert record.pid is not None
    psutil.Process(record.pid).kill()
    assert not await followed.tail.reach_end(TASKS.name, 0, 0.5)
    async with asyncio.timeout(90):
        await coordinator.write(second)
        await followed.until(20)
    assert [r.task_id for r in followed.records if isinstance(r, TaskCancelled)] == [
        e.task_id for e in [*first, *second]
    ]
    assert followed.gaps == 0
