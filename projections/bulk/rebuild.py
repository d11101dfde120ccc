"""A rebuild beside the living read models, from the first record to the swap."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import asyncpg
from aiokafka import TopicPartition
from msgspec import Struct

from infra.kafka import settled_end
from infra.registry import load_codec
from infra.settings import Settings
from projections.apply import Partition
from projections.bulk.fold import Folded, Job, Moved, fold_partitions, untold
from projections.bulk.schema import NEXT, OLD, alone, drop, make_indexes, take_up
from projections.bulk.swap import swap
from projections.catch_up import partitions_of
from projections.cursors import load_cursors
from projections.decoding import Decoder
from projections.postgres import Pool
from projections.table import Connection
from projections.tables import PROJECTED
from projections.writers import Unseal

log = logging.getLogger(__name__)
Sized = Callable[[int, int], None]
"""Told at the start: offsets in all, and how many of them an earlier run has passed."""


def unsized(_total: int, _passed: int) -> None:
    """Nobody watches."""


class Watch(Struct, frozen=True):
    """Whom to tell how far it is."""

    sized: Sized = unsized
    moved: Moved = untold


class Rebuilt(Struct, frozen=True, kw_only=True):
    """What a rebuild did: records folded and rows written by this run, records no reader can use, seconds in all.

    `fold_s` are the seconds of folding, without indexes and swap; `resumed` when it went on where a killed run stopped.
    """

    records: int
    rows: int
    unusable: int
    fold_s: float
    total_s: float
    resumed: bool


async def rebuild_beside(settings: Settings, unseal: Unseal, watch: Watch = Watch()) -> Rebuilt:  # noqa: B008
    """Derive all read models anew and swap them in, while the live ones serve and are written.

    Raises `BusyError` when another one is at it, `GapError` or `TruncatedError` when the log has a hole, and
    `InfrastructureError` when a part is away; run again, it goes on from its last chunk.
    """
    start = time.monotonic()
    partitions = await partitions_of(settings, [topic.name for topic in PROJECTED])
    async with alone(settings.database_url) as connection, bulk_pool(settings) as pool:
        await drop(connection, OLD)
        resumed = await take_up(connection, NEXT, partitions)
        job = await bulk_job(settings, pool, unseal, NEXT, watch.moved)
        await size(connection, job, partitions, watch.sized)
        parts = await fold_partitions(job, dict.fromkeys(partitions))
        folded = time.monotonic()
        await make_indexes(connection, NEXT)
        parts += await fold_to_end(job, partitions)
        await swap(connection, job, partitions)
    return Rebuilt(
        records=sum(part.records for part in parts),
        rows=sum(part.rows for part in parts),
        unusable=sum(part.unusable for part in parts),
        fold_s=folded - start,
        total_s=time.monotonic() - start,
        resumed=resumed,
    )


async def fold_to_end(job: Job, partitions: Sequence[Partition]) -> list[Folded]:
    """Fold every partition to the end of what is written now."""
    ends = await settled_end(job.settings.kafka, [TopicPartition(p.topic, p.number) for p in partitions])
    return await fold_partitions(job, {p: ends[TopicPartition(p.topic, p.number)] for p in partitions})


async def bulk_job(settings: Settings, pool: Pool, unseal: Unseal, schema: str, moved: Moved = untold) -> Job:
    """The job of folding the log into the schema."""
    decoder = Decoder(await load_codec(settings), settings)
    return Job(settings=settings, pool=pool, decoder=decoder, unseal=unseal, schema=schema, moved=moved)


@asynccontextmanager
async def bulk_pool(settings: Settings) -> AsyncIterator[Pool]:
    """Connections for COPY: their commits need no fsync, their statements may take long."""
    options = {"application_name": "storyreel-projections", "jit": "off", "synchronous_commit": "off"}
    pool = await asyncpg.create_pool(settings.database_url, min_size=1, max_size=2, timeout=10, server_settings=options)
    try:
        yield pool
    finally:
        await pool.close()


async def size(connection: Connection, job: Job, partitions: Sequence[Partition], sized: Sized) -> None:
    """Tell how much there is to fold."""
    ends = await settled_end(job.settings.kafka, [TopicPartition(p.topic, p.number) for p in partitions])
    cursors = await load_cursors(connection, job.schema)
    sized(sum(ends.values()), sum(cursor.next_offset for cursor in cursors.values()))
