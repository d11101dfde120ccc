"""Kafka clients as the product uses them: idempotent producers, assigned read_committed consumers, ends of partitions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from infra.kafka_reconnect import bound_reconnects
from schemas.errors import InfrastructureError

log = logging.getLogger(__name__)
FETCH_WAIT_MS = 50  # a long poll of one partition holds back the others of its node that long
RETRY_BACKOFF_MS = 5
LARGEST_REQUEST = 32 * 1024 * 1024  # bytes: a letter repeats a record that may be larger than ours


class Outgoing(NamedTuple):
    """A record on its way to the log."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def create_producer(bootstrap: str, transactional_id: str | None = None, **options: Any) -> AIOKafkaProducer:
    """An idempotent producer (acks=all). With `transactional_id` its start fences every older holder of the id."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        transactional_id=transactional_id,
        retry_backoff_ms=RETRY_BACKOFF_MS,
        linger_ms=0,
        max_request_size=LARGEST_REQUEST,
        compression_type=None,
        **options,
    )
    bound_reconnects(producer.client)
    return producer


def create_consumer(bootstrap: str, **options: Any) -> AIOKafkaConsumer:
    """A consumer for manual `assign`: read_committed, no group, no automatic commit, fails on unknown offsets."""
    defaults: dict[str, Any] = {
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "fetch_max_wait_ms": FETCH_WAIT_MS,
        "retry_backoff_ms": 50,
        "max_partition_fetch_bytes": 4_000_000,
    }
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, **(defaults | options))
    bound_reconnects(consumer._client)  # noqa: SLF001
    return consumer


@asynccontextmanager
async def consuming(bootstrap: str, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
    """A started consumer. Raises `KafkaError` when no broker answers; its stop never hides why the block ended."""
    consumer = create_consumer(bootstrap, **options)
    try:
        await consumer.start()
        yield consumer
    finally:
        await stop_consumer(consumer)


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, in a task of its own.

    aiokafka's `stop` cancels its fetches and awaits them. One that is pausing after a lost connection answers with
    `CancelledError`, which leaves `stop` half done and would pass for a cancellation of the caller.
    """
    stopping = asyncio.create_task(consumer.stop(), name="stop consumer")
    await asyncio.wait({stopping})
    if stopping.cancelled() or stopping.exception() is not None:
        log.info("a consumer did not stop cleanly; its connections are closed")
        await consumer._client.close()  # noqa: SLF001 - a second `stop` returns at once and closes nothing


@asynccontextmanager
async def assigned(
    bootstrap: str, positions: dict[TopicPartition, int | None], **options: Any
) -> AsyncIterator[AIOKafkaConsumer]:
    """A started consumer on exactly these partitions: an offset to read from, or None for the end."""
    async with consuming(bootstrap, **options) as consumer:
        consumer.assign(list(positions))
        for partition, offset in positions.items():
            if offset is None:
                await consumer.seek_to_end(partition)
            else:
                consumer.seek(partition, offset)
        yield consumer


async def written_end(consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """For each partition the end of everything written, committed or not; `consumer` reads uncommitted records.

    A commit reaches the partitions of a transaction one after another: when one shows it, the last stable offset of
    another may still stand before it. Who must not miss what a transaction wrote waits for this end instead.
    """
    return await _ends(consumer, partitions)


async def settled_end(bootstrap: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """`written_end` asked through a consumer of its own.

    A read_committed reader that goes on to this end has seen every transaction whose commit was acknowledged before: the
    acknowledgement comes before the markers are written. What a dead writer left open holds it for that writer's time-out.
    """
    async with assigned(bootstrap, {}, isolation_level="read_uncommitted") as consumer:
        return await written_end(consumer, partitions)


async def committed_end(consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """For each partition the offset a read_committed reader can reach now (last stable offset)."""
    return await _ends(consumer, partitions)


async def _ends(consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    return {tp: int(offset) for tp, offset in (await consumer.end_offsets(list(partitions))).items()}


async def send(
    producer: AIOKafkaProducer,
    topic: str,
    value: bytes,
    *,
    key: str,
    partition: int,
    headers: list[tuple[str, bytes]],
    timeout: float = 5.0,
) -> int:
    """Send one record and wait for its offset, see `send_all`."""
    (offset,) = await send_all(producer, [Outgoing(topic, partition, key.encode(), value, headers)], timeout)
    return offset


async def send_all(producer: AIOKafkaProducer, outgoing: Sequence[Outgoing], timeout: float = 5.0) -> list[int]:
    """Send records in their order, those of a partition as one batch, and wait for their offsets.

    A time-out means an unknown outcome: records may still arrive. Raises `InfrastructureError` on a broker error or
    after `timeout` seconds.
    """
    topics = ", ".join(dict.fromkeys(record.topic for record in outgoing))
    try:
        async with asyncio.timeout(timeout):  # not wait_for, which swallows a cancellation that comes with the answer
            sent = [
                await producer.send(r.topic, r.value, key=r.key, partition=r.partition, headers=r.headers)
                for r in outgoing
            ]
            return [int((await future).offset) for future in sent]
    except TimeoutError as error:
        raise InfrastructureError(f"Kafka did not acknowledge a record on {topics} within {timeout} s") from error
    except KafkaError as error:
        raise InfrastructureError(f"Kafka refused a record on {topics}: {error!r}") from error
