"""A schema of read models beside the live one: made without its search indexes, taken up when half done, dropped."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from projections.apply import Partition
from projections.cursors import load_cursors
from projections.migrate import definition, digest
from projections.table import Connection
from schemas.errors import InfrastructureError

NEXT = "read_models_next"
OLD = "read_models_old"
BESIDE = "read_models_beside"
_LOCK = 0x72656275696C64  # "rebuild"; one process at a time
_PATIENCE = "3s"  # the server notices the end of a killed holder a moment later
_INDEX = re.compile(r"^CREATE INDEX .*?;", re.DOTALL | re.MULTILINE)


class BusyError(InfrastructureError):
    """Somebody else derives read models beside the live ones."""

    code = "busy"


@asynccontextmanager
async def alone(url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection that holds the lock of all who derive read models beside the live ones; it goes with the connection.

    Raises `BusyError` when somebody has it.
    """
    connection = await asyncpg.connect(url, timeout=10, server_settings={"application_name": "storyreel-projections"})
    try:
        await connection.execute(f"SET lock_timeout = '{_PATIENCE}'")
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute("RESET lock_timeout")
    except asyncpg.LockNotAvailableError:
        await connection.close()
        raise BusyError("another rebuild or comparison of the read models is running; wait for its end") from None
    try:
        yield connection
    finally:
        await connection.close()


async def take_up(connection: Connection, schema: str, partitions: Sequence[Partition]) -> bool:
    """Make the schema, or keep a half-done one of the same definition and log; returns whether there was one."""
    mark = f"unfinished {digest()}"
    found = await connection.fetchval("SELECT obj_description(to_regnamespace($1), 'pg_namespace')", schema)
    if found == mark and await _same_log(connection, schema, partitions):
        return True
    async with connection.transaction():
        await drop(connection, schema)
        await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        await connection.execute(_INDEX.sub("", definition(schema)))
        await connection.execute(f"COMMENT ON SCHEMA {schema} IS '{mark}'")
    return False


async def make_indexes(connection: Connection, schema: str) -> None:
    """The search indexes, as far as they are missing, and statistics."""
    for statement in _INDEX.findall(definition(schema)):
        await connection.execute(statement.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1))
    for table in await tables_of(connection, schema):
        await connection.execute(f"ANALYZE {schema}.{table}")


async def tables_of(connection: Connection, schema: str) -> list[str]:
    """Names of the schema's tables, the cursors first, as every writer locks them."""
    rows = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY tablename <> 'projection_cursors', tablename",
        schema,
    )
    return [row["tablename"] for row in rows]


async def drop(connection: Connection, schema: str) -> None:
    """Remove the schema if it is there."""
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


async def _same_log(connection: Connection, schema: str, partitions: Sequence[Partition]) -> bool:
    cursors = await load_cursors(connection, schema)
    identities = {(partition.topic, partition.number): partition.identity for partition in partitions}
    return all(c.next_offset == 0 or c.identity == identities.get(place) for place, c in cursors.items())
