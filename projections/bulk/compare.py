"""The live read models against what the log says, row by row, both at the same positions of the log."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from infra.settings import Settings
from projections.apply import Partition
from projections.bulk.fold import Job, fold_partitions
from projections.bulk.merging import Difference, differences
from projections.bulk.rebuild import Watch, bulk_job, bulk_pool, size
from projections.bulk.sample import WHOLE, Shares, aggregate_column, choose, in_sample
from projections.bulk.schema import BESIDE, alone, drop, tables_of, take_up
from projections.catch_up import partitions_of
from projections.cursors import Cursor, load_cursors
from projections.table import SCHEMA, Connection
from projections.tables import FED_BY, PROJECTED, TABLES
from projections.writers import Unseal
from schemas.errors import InfrastructureError

_PREFETCH = 2_000


class Compared(Struct, frozen=True, kw_only=True):
    """What was looked at: events folded, live rows compared, and how many rows differ."""

    records: int
    rows: int
    differing: int


Found = Callable[[Sequence[Difference]], None]
"""Told once a differing row."""


async def compare(
    settings: Settings,
    unseal: Unseal,
    found: Found,
    sample: int | None = None,
    watch: Watch = Watch(),  # noqa: B008
) -> Compared:
    """Derive the read models into a schema of their own, up to the live positions, and compare every row.

    `sample` looks at about so many aggregates of each topic only, others each time; the log is read whole in any case. Raises
    `BusyError` beside a rebuild, `InfrastructureError` when a part is away.
    """
    partitions = await partitions_of(settings, [topic.name for topic in PROJECTED])
    async with alone(settings.database_url) as connection, bulk_pool(settings) as pool:
        await drop(connection, BESIDE)
        await take_up(connection, BESIDE, partitions)
        try:
            shares = await choose(connection, sample, random.getrandbits(32)) if sample is not None else {}
            job = await bulk_job(settings, pool, unseal, BESIDE, watch.moved)
            job = replace(job, wanted=lambda event: in_sample(shares, event))
            await size(connection, job, partitions, watch.sized)
            records = await _fold(job, partitions, await load_cursors(connection))
            async with _snapshot(settings, connection) as live:
                records += await _fold(job, partitions, await load_cursors(live))
                rows, differing = await _compare(live, connection, shares, found)
        except asyncpg.UndefinedTableError as error:
            raise InfrastructureError(f"there are no read models to compare: {error}") from error
        finally:
            await drop(connection, BESIDE)
    return Compared(records=records, rows=rows, differing=differing)


async def _fold(job: Job, partitions: Sequence[Partition], live: dict[tuple[str, int], Cursor]) -> int:
    """Fold up to the live positions."""
    cursors = {partition: live.get((partition.topic, partition.number)) for partition in partitions}
    ends = {partition: cursor.next_offset for partition, cursor in cursors.items() if cursor is not None}
    return sum(folded.records for folded in await fold_partitions(job, ends))


@asynccontextmanager
async def _snapshot(settings: Settings, connection: Connection) -> AsyncIterator[Connection]:
    """A connection that sees the live rows and positions of one instant, and holds off a swap."""
    tables = await tables_of(connection, SCHEMA)
    live = await asyncpg.connect(settings.database_url, timeout=10)
    try:
        async with live.transaction(isolation="repeatable_read", readonly=True):
            for table in tables:  # before the first query, which fixes the instant
                await live.execute(f"LOCK TABLE {SCHEMA}.{table} IN ACCESS SHARE MODE")
            yield live
    finally:
        await live.close()


async def _compare(live: Connection, log: Connection, shares: Shares, found: Found) -> tuple[int, int]:
    rows = differing = 0
    async with log.transaction():
        for topic, tables in FED_BY.items():
            where = shares.get(topic, WHOLE).where(aggregate_column(topic))
            for name in tables:
                pairs = differences(
                    name, TABLES[name].key, _rows(live, SCHEMA, name, where), _rows(log, BESIDE, name, where)
                )
                async for pair in pairs:
                    rows += 1
                    if pair:
                        differing += 1
                        found(pair)
    return rows, differing


async def _rows(connection: Connection, schema: str, name: str, where: str) -> AsyncIterator[dict[str, Any]]:
    """Rows as JSON objects, in an order that does not depend on the database's language."""
    order = ", ".join(
        f'"{column}" COLLATE "C"' if kind == "text" else f'"{column}"'
        for column, kind in await _key_types(connection, schema, name)
    )
    query = f"SELECT row_to_json(t)::text FROM (SELECT * FROM {schema}.{name} WHERE {where} ORDER BY {order}) t"  # noqa: S608
    async for row in connection.cursor(query, prefetch=_PREFETCH):
        yield msgspec.json.decode(row[0])


async def _key_types(connection: Connection, schema: str, name: str) -> list[tuple[str, str]]:
    rows = await connection.fetch(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2",
        schema,
        name,
    )
    kinds = {row["column_name"]: row["data_type"] for row in rows}
    return [(column, kinds[column]) for column in TABLES[name].key]
