"""Behaviour of aiokafka's clients that shaped ours. A test that fails means: upstream changed, look at the decision again."""

from __future__ import annotations

import asyncio
import logging
import os
import signal

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from infra.kafka import assigned, create_consumer, settled_end, stop_consumer
from infra.local.stack import LocalStack
from tests.integration.aiokafka_defects.conftest import WAIT, eventually


async def interrupted(bootstrap: str, partition: TopicPartition, caplog: pytest.LogCaptureFixture) -> AIOKafkaConsumer:
    """A consumer that pauses because its connection was cut in the middle of a fetch."""
    consumer = create_consumer(bootstrap, fetch_max_wait_ms=30_000, retry_backoff_ms=30_000)
    await consumer.start()
    consumer.assign([partition])
    consumer.seek(partition, 0)
    fetcher = consumer._fetcher

    async def fetching() -> bool:
        return bool(fetcher._in_flight)

    async def pausing() -> bool:
        return any("Failed fetch messages" in record.getMessage() for record in caplog.records)

    await eventually(fetching)
    caplog.clear()
    for connection in list(consumer._client._conns.values()):
        connection._writer.transport.abort()
    await eventually(pausing)
    return consumer


async def test_stop_raises_cancelled_error_after_a_lost_connection(
    bootstrap: str, partition: TopicPartition, caplog: pytest.LogCaptureFixture
) -> None:
    """Guards `infra.kafka.stop_consumer`: a direct `await consumer.stop()` looks like a cancellation of the caller."""
    caplog.set_level(logging.ERROR, "aiokafka.consumer.fetcher")
    consumer = await interrupted(bootstrap, partition, caplog)
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait({stopping}, timeout=WAIT)
    assert stopping.cancelled()
    await consumer._client.close()
    await stop_consumer(await interrupted(bootstrap, partition, caplog))


async def test_a_send_outlives_its_time_out_and_arrives_later(
    stack: LocalStack, bootstrap: str, partition: TopicPartition
) -> None:
    """Guards "202 only from a seen decision": an idempotent send ignores its own time-out, and giving up takes nothing back.

    That is why the gateway brings its own time-out, answers `decision_unknown` after it and bounds requests by `valid_until`.
    """
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, request_timeout_ms=1000)
    await producer.start()
    await producer.send_and_wait(partition.topic, b"before", partition=0)
    broker = stack.pid_of("kafka")
    os.kill(broker, signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(producer.send_and_wait(partition.topic, b"given up", partition=0), 2.5)
    finally:
        os.kill(broker, signal.SIGCONT)
    async with asyncio.timeout(WAIT):
        await producer.send_and_wait(partition.topic, b"after", partition=0)
    await producer.stop()
    async with assigned(bootstrap, {partition: 0}) as consumer:
        values: list[bytes | None] = []
        while len(values) < 3:
            values += [r.value for r in (await consumer.getmany(timeout_ms=1000)).get(partition, [])]
    assert values == [b"before", b"given up", b"after"]
    assert (await settled_end(bootstrap, [partition]))[partition] == 3


async def test_a_member_that_does_not_poll_leaves_its_group_but_can_still_commit(
    bootstrap: str, partition: TopicPartition, producer: AIOKafkaProducer
) -> None:
    """Guards "renders run outside poll loops" and Faust's huge `broker_max_poll_interval`: the member never comes back.

    The late commit is why the group's offsets are nobody's truth: commits fence nothing.
    """
    group = f"group-{partition.topic}"
    await producer.send_and_wait(partition.topic, b"work", partition=0)
    consumer = AIOKafkaConsumer(
        partition.topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_interval_ms=1000,
        session_timeout_ms=6000,
        heartbeat_interval_ms=300,
    )
    await consumer.start()
    try:
        assert (await asyncio.wait_for(consumer.getone(), WAIT)).value == b"work"

        async def gone() -> bool:
            return bool(consumer._coordinator.member_id == "")

        await eventually(gone)
        await consumer.commit({partition: 1})
        assert await consumer.committed(partition) == 1
    finally:
        await stop_consumer(consumer)


async def test_committed_offsets_can_be_set_back_by_a_zombie(bootstrap: str, partition: TopicPartition) -> None:
    """Guards "input positions lie in the output records": with manual assignment anybody of the group moves its offsets."""
    group = f"group-{partition.topic}"
    options = {"group_id": group, "enable_auto_commit": False}
    async with (
        assigned(bootstrap, {partition: 0}, **options) as zombie,
        assigned(bootstrap, {partition: 0}, **options) as owner,
    ):
        await owner.commit({partition: 10})
        await zombie.commit({partition: 3})
        assert await owner.committed(partition) == 3
