"""Bulk reading of one partition through the same apply as the live agents: at start, after a gap, and for a rebuild."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Struct

from infra.kafka import assigned, committed_end
from infra.settings import Settings
from projections.apply import Partition, Ports, apply_batch, reset_topic
from projections.cursors import Cursor, load_cursors
from projections.decoding import Decoder
from projections.log_identity import log_identities
from projections.migrate import migrate
from projections.postgres import ACQUIRE_TIMEOUT, Pool, is_absent, retrying
from projections.selection import Delivered, GapError
from projections.tables import PROJECTED
from schemas.errors import InfrastructureError
from schemas.topics import BY_NAME

log = logging.getLogger(__name__)
BATCH = 1000
_POLL_MS = 500
_PATIENCE = 60  # polls without any progress


class Reader(Struct, frozen=True):
    """What bulk reading needs."""

    settings: Settings
    pool: Pool
    decoder: Decoder
    ports: Ports


class TruncatedError(InfrastructureError):
    """Records that were never projected are gone from a topic that is kept for ever."""

    code = "truncated"


async def stored_cursors(pool: Pool) -> dict[tuple[str, int], Cursor]:
    """All positions, read in a transaction of their own; none when the tables are gone."""

    async def load() -> dict[tuple[str, int], Cursor]:
        connection: Any
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT) as connection:
            try:
                return await load_cursors(connection)
            except asyncpg.PostgresError as error:
                if is_absent(error):
                    return {}
                raise

    return await retrying(load, timeout=60)


async def apply_surely(
    reader: Reader, partition: Partition, delivered: Sequence[Delivered], *, after: int | None = None
) -> Cursor:
    """`apply_batch` until it succeeds: PostgreSQL is waited for, tables that were lost with it are made again.

    Raises `GapError` as `apply_batch` does, in the latter case because all positions are lost too.
    """

    async def work() -> Cursor:
        try:
            return await apply_batch(reader.pool, partition, delivered, reader.ports, after=after)
        except asyncpg.PostgresError as error:
            if not is_absent(error):
                raise
        log.warning("the read models are gone from PostgreSQL and are derived again")
        await migrate(reader.pool)
        return await apply_batch(reader.pool, partition, delivered, reader.ports, after=after)

    return await retrying(work, timeout=None)


async def partitions_of(settings: Settings, topics: Sequence[str]) -> list[Partition]:
    """Every partition of the topics with the identity of the log behind it."""
    identities = await log_identities(settings, topics)
    return [
        Partition(topic=topic, number=number, identity=identities[topic])
        for topic in topics
        for number in range(settings.shards)
    ]


async def catch_up(reader: Reader, partition: Partition, until: int | None = None) -> Cursor:
    """Apply everything from the stored position to offset `until` (exclusive), by default the committed end.

    Raises `InfrastructureError` when the broker is away or gives nothing more, `GapError` when the log has a hole.
    """
    while True:
        stored = await _stored(reader, partition)
        try:
            return await _read(reader, partition, stored, until)
        except GapError as gap:
            if gap.stored.next_offset >= stored.next_offset:
                raise
            log.warning("%s[%d]: the position was set back; reading from there", partition.topic, partition.number)
        except KafkaError as error:
            raise InfrastructureError(f"Kafka at {reader.settings.kafka}: {error!r}") from error


async def _stored(reader: Reader, partition: Partition) -> Cursor:
    cursors = await stored_cursors(reader.pool)
    empty = Cursor(topic=partition.topic, partition=partition.number)
    return cursors.get((partition.topic, partition.number), empty)


async def _read(reader: Reader, partition: Partition, cursor: Cursor, until: int | None) -> Cursor:
    tp = TopicPartition(partition.topic, partition.number)
    async with assigned(reader.settings.kafka, {tp: None}, max_poll_records=BATCH) as consumer:
        end = (await committed_end(consumer, [tp]))[tp] if until is None else until
        start = await first_offset(consumer, tp, cursor)
        if start >= end:
            return cursor
        consumer.seek(tp, start)
        idle = 0
        while await consumer.position(tp) < end and idle < _PATIENCE:
            found = await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=BATCH)
            idle = 0 if found else idle + 1
            delivered = await reader.decoder.delivered(r for r in found.get(tp, []) if r.offset < end)
            if delivered:
                cursor = await apply_surely(reader, partition, delivered, after=cursor.next_offset)
        if idle >= _PATIENCE:
            raise InfrastructureError(f"{tp.topic}[{tp.partition}]: nothing to read before offset {end}")
    return cursor


async def first_offset(consumer: AIOKafkaConsumer, tp: TopicPartition, cursor: Cursor) -> int:
    """Where to read on. A compacted or new topic may begin after the position; any other must still hold it.

    Raises `TruncatedError` if it does not.
    """
    begin = int((await consumer.beginning_offsets([tp]))[tp])
    if begin > cursor.next_offset and not BY_NAME[tp.topic].compact:
        raise TruncatedError(
            f"{tp.topic}[{tp.partition}]: records {cursor.next_offset}-{begin - 1} are gone from the log"
        )
    return max(begin, cursor.next_offset)


async def discard_foreign(reader: Reader, partitions: Sequence[Partition]) -> list[str]:
    """Empty what was projected from another log, or from a future this log does not have; returns the topics."""
    cursors = await stored_cursors(reader.pool)
    ends = await _ends(reader.settings, partitions)
    foreign = set()
    for partition in partitions:
        cursor = cursors.get((partition.topic, partition.number))
        if cursor is None or cursor.next_offset == 0:
            continue
        if cursor.identity != partition.identity or cursor.next_offset > ends[partition.topic, partition.number]:
            foreign.add(partition.topic)
    for topic in sorted(foreign):
        log.warning("the position in %s belongs to another log; its tables are derived again", topic)
        await retrying(lambda name=topic: reset_topic(reader.pool, name), timeout=60)  # type: ignore[misc]
    return sorted(foreign)


async def _ends(settings: Settings, partitions: Sequence[Partition]) -> dict[tuple[str, int], int]:
    tps = {TopicPartition(p.topic, p.number): None for p in partitions}
    async with assigned(settings.kafka, dict(tps)) as consumer:
        return {(tp.topic, tp.partition): end for tp, end in (await committed_end(consumer, tps)).items()}


async def catch_up_all(reader: Reader) -> list[Partition]:
    """Check every position, then read every projected topic to its end; returns the partitions."""
    partitions = await partitions_of(reader.settings, [topic.name for topic in PROJECTED])
    await discard_foreign(reader, partitions)
    await asyncio.gather(*(catch_up(reader, partition) for partition in partitions))
    return partitions
