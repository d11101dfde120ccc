"""The schema of the read models: made, or made anew when its definition changed, since all of it is derived."""

from __future__ import annotations

import hashlib
import logging
from importlib import resources

import asyncpg

from projections.postgres import Pool, transaction
from projections.table import SCHEMA

log = logging.getLogger(__name__)
LOCK = 0x73746F7279  # "story"; one migration at a time


def definition(schema: str = SCHEMA) -> str:
    """The SQL that makes the schema, under any name."""
    text = resources.files("projections.sql").joinpath("001_read_models.sql").read_text(encoding="utf-8")
    return text.replace(f"SCHEMA {SCHEMA};", f"SCHEMA {schema};").replace(f"{SCHEMA}.", f"{schema}.")


def digest() -> str:
    """What the schema's comment says when it has this definition."""
    return hashlib.sha256(definition().encode()).hexdigest()


async def migrate(pool: Pool) -> bool:
    """Bring the schema up to date and say whether it was made (anew), in which case every row must be derived again.

    Idempotent; concurrent callers wait for one another. The digest of the definition is the schema's comment.
    """
    try:
        return await _migrate(pool)
    except asyncpg.UniqueViolationError:  # somebody else made the extension at the same moment
        return await _migrate(pool)


async def _migrate(pool: Pool) -> bool:
    async with transaction(pool) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        found = await connection.fetchval("SELECT obj_description(to_regnamespace($1), 'pg_namespace')", SCHEMA)
        if found == digest():
            return False
        log.info("making the read models %s", "anew" if found else "for the first time")
        await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        await connection.execute(definition())
        await connection.execute(f"COMMENT ON SCHEMA {SCHEMA} IS '{digest()}'")
        return True
