"""The moment a finished schema takes the live one's place; why it is safe is told in the package's docstring."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import asyncpg

from infra import crash_points
from projections.apply import Partition
from projections.bulk.fold import Job, fold_partitions
from projections.bulk.schema import OLD, drop, tables_of
from projections.cursors import load_cursors
from projections.migrate import LOCK, digest
from projections.table import SCHEMA, Connection
from schemas.errors import InfrastructureError

log = logging.getLogger(__name__)
_PATIENCE = 5.0  # seconds for which writers are held at most
_ATTEMPTS = 60
_PAUSE = 0.5


async def swap(connection: Connection, job: Job, partitions: Sequence[Partition]) -> None:
    """Put `job.schema` in the place of the live one, and drop that.

    Tried again, for about a minute, while somebody holds the live tables for long. Raises `InfrastructureError` then.
    """
    for _ in range(_ATTEMPTS):
        try:
            await _swap(connection, job, partitions)
            break
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, TimeoutError) as error:
            log.warning("the read models are in use: %r; trying again", error)
        await asyncio.sleep(_PAUSE)
        await fold_partitions(job, dict.fromkeys(partitions))
    else:
        raise InfrastructureError("the read models stayed in use; run the rebuild again, it goes on from here")
    crash_points.reach("bulk.after_swap")
    await drop(connection, OLD)


async def _swap(connection: Connection, job: Job, partitions: Sequence[Partition]) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '2s'")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        live = await tables_of(connection, SCHEMA)
        if live:
            async with asyncio.timeout(_PATIENCE):
                await _lock(connection, live[:1])
                await _reach_live(connection, job, partitions)
                await _lock(connection, live[1:])
        await drop(connection, OLD)
        if await connection.fetchval("SELECT to_regnamespace($1)", SCHEMA) is not None:
            await connection.execute(f"ALTER SCHEMA {SCHEMA} RENAME TO {OLD}")
        await connection.execute(f"ALTER SCHEMA {job.schema} RENAME TO {SCHEMA}")
        await connection.execute(f"COMMENT ON SCHEMA {SCHEMA} IS '{digest()}'")
        crash_points.reach("bulk.in_swap")


async def _lock(connection: Connection, tables: Sequence[str]) -> None:
    for table in tables:
        await connection.execute(f"LOCK TABLE {SCHEMA}.{table} IN ACCESS EXCLUSIVE MODE")


async def _reach_live(connection: Connection, job: Job, partitions: Sequence[Partition]) -> None:
    """Fold what the live writers were ahead of us; positions in another log, which they would discard, count for nothing."""
    live = await load_cursors(connection)
    ours = await load_cursors(connection, job.schema)
    behind: dict[Partition, int | None] = {}
    for partition in partitions:
        theirs, mine = live.get((partition.topic, partition.number)), ours.get((partition.topic, partition.number))
        if theirs is None or theirs.identity != partition.identity:
            continue
        if mine is None or mine.next_offset < theirs.next_offset:
            behind[partition] = theirs.next_offset
    await fold_partitions(job, behind)
