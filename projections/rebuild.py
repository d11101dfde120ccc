"""Read models from nothing but the log, and a form of them that can be compared."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from infra.registry import load_codec
from infra.settings import Settings
from projections.apply import DeadLetter, Ports, reset_topic
from projections.catch_up import Reader, catch_up, partitions_of
from projections.decoding import Decoder
from projections.migrate import migrate
from projections.postgres import Pool, create_pool, retrying
from projections.table import SCHEMA
from projections.tables import FED_BY, PROJECTED
from projections.writers import Unseal

_CURSORS = f"SELECT topic, partition, partition_seq, shard_seq FROM {SCHEMA}.projection_cursors ORDER BY 1, 2"  # noqa: S608


async def already_reported(_: Sequence[DeadLetter]) -> None:
    """Dead letters of a rebuild: the live reader reported them when it met them."""


async def rebuild(settings: Settings, topics: Sequence[str] | None, unseal: Unseal) -> dict[str, int]:
    """Empty the tables fed by the topics (None = all) in `settings.database_url` and derive them again from offset 0.

    Returns the last `shard_seq` a topic's tables hold. A live reader may run beside it: positions keep them apart.
    """
    names = [topic.name for topic in PROJECTED] if topics is None else list(topics)
    pool = await create_pool(settings.database_url, max_size=2, writes=True, name="storyreel-rebuild")
    try:
        await retrying(lambda: migrate(pool), timeout=60)
        decoder = Decoder(await load_codec(settings), settings)
        reader = Reader(settings, pool, decoder, Ports(unseal, already_reported))
        for name in names:
            await retrying(lambda topic=name: reset_topic(pool, topic), timeout=60)  # type: ignore[misc]
        found: dict[str, int] = {}
        for partition in await partitions_of(settings, names):
            cursor = await catch_up(reader, partition)
            found[partition.topic] = max(found.get(partition.topic, 0), cursor.shard_seq)
        return found
    finally:
        await pool.close()


async def dump(pool: Pool) -> AsyncIterator[str]:
    """All read models of one instant as lines "table JSON" in a fixed order; equal models give equal lines.

    Positions appear as sequences, not offsets: when something was applied is no part of what was derived.
    """
    connection: Any
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        names = sorted(table for tables in FED_BY.values() for table in tables)
        for table in ("projection_cursors", *names):  # before the first query fixes the instant: holds off a swap
            await connection.execute(f"LOCK TABLE {SCHEMA}.{table} IN ACCESS SHARE MODE")
        await connection.execute("SET LOCAL timezone = 'UTC'")
        for table in names:
            async for row in connection.cursor(await _rows_sql(connection, table)):
                yield f"{table} {row[0]}"
        for row in await connection.fetch(_CURSORS):
            yield f"projection_cursors {row['topic']}[{row['partition']}] {row['partition_seq']} {row['shard_seq']}"


async def _rows_sql(connection: Any, table: str) -> str:
    """Rows as JSON, ordered by primary key."""
    key = await connection.fetchval(
        """SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY array_position(i.indkey::int2[], a.attnum))
           FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
           WHERE i.indrelid = $1::regclass AND i.indisprimary""",
        f"{SCHEMA}.{table}",
    )
    return f"SELECT row_to_json(t)::text FROM (SELECT * FROM {SCHEMA}.{table} ORDER BY {key}) t"  # noqa: S608
