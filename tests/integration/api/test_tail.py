from __future__ import annotations

import asyncio
import time

import psutil
import pytest

from api.live import tail
from infra.kafka import create_producer
from infra.local.stack import LocalStack
from schemas.decisions import RequestDecided
from schemas.envelope import Stamp
from schemas.serde import Codec
from schemas.tasks import TaskCancelled
from schemas.topics import TASKS
from tests.integration.api.conftest import Coordinator, Followed
from tests.integration.poison import poison
from tests.integration.registering import newer_schema


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


async def test_what_is_no_record_is_passed_over(
    stack: LocalStack, coordinator: Coordinator, followed: Followed, codec: Codec
) -> None:
    values = poison(TASKS, codec)
    producer = create_producer(stack.settings.kafka)
    await producer.start()
    for value in values.values():
        await producer.send_and_wait(TASKS.name, value, key=b"poison", partition=0)
    await producer.stop()
    event = coordinator.event()
    await coordinator.write([event])
    assert await followed.until(1) == [event]
    assert followed.tail.poison == len(values)


async def test_a_schema_that_cannot_be_asked_for_holds_its_partition_alone(
    stack: LocalStack, coordinator: Coordinator, followed: Followed, codec: Codec, unused_tcp_port: int
) -> None:
    """A registry that is away buries nothing: the record comes, in order, once it answers."""
    followed.registry_url = f"http://127.0.0.1:{unused_tcp_port}"
    first, second = coordinator.event(), coordinator.event()
    decision = RequestDecided(request_id="r", stamp=Stamp(partition_seq=1, shard_seq=1))
    await coordinator.write_as(first, await asyncio.to_thread(newer_schema, stack.settings.registry_url))
    await coordinator.write([second, decision])
    assert await followed.until(1) == [decision]
    assert not await followed.tail.reach_end(TASKS.name, 0, 1.0)
    assert followed.tail.alive
    followed.registry_url = stack.settings.registry_url
    assert await followed.until(3) == [decision, first, second]
    assert followed.tail.poison == 0


async def test_a_new_tail_knows_where_quiet_partitions_stand(
    stack: LocalStack, coordinator: Coordinator, codec: Codec
) -> None:
    """What came last lies behind more than a look's worth of aborted records."""
    event = coordinator.event()
    await coordinator.write([event])
    await coordinator.write([event] * 40, commit=False)
    late = Followed(stack.settings, codec)
    async with asyncio.timeout(60):
        await late.tail.started.wait()
    assert await late.tail.reach_end(TASKS.name, 0, 5.0)
    assert late.tail.sequence(TASKS.name, 0) == event.stamp.partition_seq
    assert late.records == []
    await late.stop()


async def test_a_fetch_that_died_is_noticed(
    coordinator: Coordinator, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "DEAF_AFTER", 1.0)
    [*fetches] = [task for task in asyncio.all_tasks() if "_fetch_requests_routine" in repr(task.get_coro())]
    for task in fetches:
        task.cancel()
    event = coordinator.event()
    await coordinator.write([event])
    assert await followed.until(1) == [event]


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
