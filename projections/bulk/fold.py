"""Partitions of the log into a schema of read models, chunk by chunk.

PostgreSQL and this process work at the same time: while it takes a chunk, the next one of the partition is decoded, and a
chunk of another topic is folded. Within a partition chunks are written one after another.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Struct
from msgspec.structs import replace

from infra import crash_points
from infra.kafka import assigned, committed_end
from infra.settings import Settings
from projections.apply import Partition
from projections.bulk.ahead import ahead
from projections.bulk.store import BulkRows
from projections.catch_up import first_offset
from projections.cursors import Cursor, load_cursors, lock_cursor, save_cursor
from projections.decoding import Decoder
from projections.postgres import Pool
from projections.selection import Delivered, select
from projections.writers import WRITERS, Unseal
from schemas.envelope import LedgerRecord
from schemas.errors import InfrastructureError
from schemas.topics import BY_NAME

CHUNK = 20_000  # records in one transaction
CHUNK_BYTES = 32_000_000  # of their values
AT_ONCE = 2  # topics, each with a connection
_FETCH = 1_000  # records that are decoded without letting others run
_POLL_MS = 500
_PATIENCE = 60  # polls without any progress
_FETCH_BYTES = 16_000_000

Wanted = Callable[[LedgerRecord], bool]
Moved = Callable[[str, int], None]
"""Told after each fetch: topic, offsets passed by it."""


@contextmanager
def fewer_collections() -> Iterator[None]:
    """A chunk is many living objects and hardly a cycle: looking for cycles after every 700 costs a fifth of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(10 * CHUNK, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def everything(_: LedgerRecord) -> bool:
    """No event is left out."""
    return True


def untold(_topic: str, _offsets: int) -> None:
    """Nobody watches."""


class Job(Struct, frozen=True, kw_only=True):
    """What is folded (`wanted` leaves out events of other rows), by what, into which schema."""

    settings: Settings
    pool: Pool
    decoder: Decoder
    unseal: Unseal
    schema: str
    wanted: Wanted = everything
    moved: Moved = untold


class Folded(Struct, frozen=True, kw_only=True):
    """Where folding ended, records read, rows written, and how many records no reader can use."""

    cursor: Cursor
    records: int = 0
    rows: int = 0
    unusable: int = 0


async def fold_partition(job: Job, partition: Partition, until: int | None = None) -> Folded:
    """Fold from the schema's stored position to offset `until` (exclusive), by default the committed end.

    Raises `GapError` or `TruncatedError` when the log has a hole, `InfrastructureError` when the broker is away, or when
    somebody else writes to the schema.
    """
    folded = Folded(cursor=await _stored(job, partition))
    tp = TopicPartition(partition.topic, partition.number)
    options = {"max_poll_records": _FETCH, "max_partition_fetch_bytes": _FETCH_BYTES}
    try:
        async with assigned(job.settings.kafka, {tp: None}, **options) as consumer:
            end = (await committed_end(consumer, [tp]))[tp] if until is None else until
            start = await first_offset(consumer, tp, folded.cursor)
            if start >= end:
                return folded
            consumer.seek(tp, start)
            job.moved(partition.topic, start - folded.cursor.next_offset)
            async with aclosing(ahead(_chunks(job, consumer, tp, end))) as chunks:
                async for chunk in chunks:
                    folded = await _fold_chunk(job, partition, folded, chunk)
                    crash_points.reach("bulk.after_chunk")
            return folded
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {job.settings.kafka}: {error!r}") from error


async def fold_partitions(job: Job, ends: Mapping[Partition, int | None]) -> list[Folded]:
    """Fold every partition to its end as `fold_partition` does, those of several topics beside one another.

    Partitions of one topic share tables, and making a search index waits for whoever writes to its table: they take turns.
    The first failure ends all.
    """
    room = asyncio.Semaphore(AT_ONCE)

    async def fold(topic: str) -> list[Folded]:
        async with room:
            return [await fold_partition(job, each, end) for each, end in ends.items() if each.topic == topic]

    with fewer_collections():
        folding = [asyncio.create_task(fold(topic)) for topic in dict.fromkeys(partition.topic for partition in ends)]
        try:
            return [folded for parts in await asyncio.gather(*folding) for folded in parts]
        finally:
            for task in folding:
                task.cancel()
            if folding:
                await asyncio.wait(folding)


async def _stored(job: Job, partition: Partition) -> Cursor:
    connection: Any
    async with job.pool.acquire() as connection:
        cursors = await load_cursors(connection, job.schema)
    empty = Cursor(topic=partition.topic, partition=partition.number)
    return cursors.get((partition.topic, partition.number), empty)


async def _chunks(
    job: Job, consumer: AIOKafkaConsumer, tp: TopicPartition, end: int
) -> AsyncGenerator[list[Delivered], None]:
    """Decoded records before `end`, in lists of bounded size."""
    chunk: list[Delivered] = []
    size, idle, before = 0, 0, await consumer.position(tp)
    while (position := await consumer.position(tp)) < end:
        job.moved(tp.topic, position - before)
        before = position
        found = await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=_FETCH)
        idle = 0 if found else idle + 1
        if idle >= _PATIENCE:
            raise InfrastructureError(f"{tp.topic}[{tp.partition}]: nothing to read before offset {end}")
        records = [record for record in found.get(tp, []) if record.offset < end]
        chunk += await job.decoder.delivered(records)
        size += sum(len(record.value or b"") for record in records)
        await asyncio.sleep(0)
        if len(chunk) >= CHUNK or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    job.moved(tp.topic, end - before)
    if chunk:
        yield chunk


async def _fold_chunk(job: Job, partition: Partition, folded: Folded, chunk: Sequence[Delivered]) -> Folded:
    selection = select(folded.cursor, chunk, compacted=BY_NAME[partition.topic].compact, whole=True)
    events = [item.record for item in selection.accepted if item.record is not None and job.wanted(item.record)]
    identity = partition.identity
    cursor = replace(selection.cursor, cluster_id=identity.cluster_id, topic_id=identity.topic_id)
    connection: Any
    async with job.pool.acquire() as connection, connection.transaction():
        if await lock_cursor(connection, partition.topic, partition.number, job.schema) != folded.cursor:
            raise InfrastructureError(f"somebody else folds {partition.topic} into {job.schema}")
        store = BulkRows(connection, job.schema)
        refused = await WRITERS[partition.topic](store, events, job.unseal) if events else []
        rows = await store.flush()
        await save_cursor(connection, cursor, job.schema)
    return Folded(
        cursor=cursor,
        records=folded.records + len(chunk),
        rows=folded.rows + rows,
        unusable=folded.unusable + len(selection.undecodable) + len(refused),
    )
