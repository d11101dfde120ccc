"""Gathering the evidence of a running system that is quiet. Nothing of it is changed: the rebuild has a database of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from msgspec.structs import replace

from infra.keystore import open_keystore
from infra.settings import Settings
from projections.catch_up import stored_cursors
from projections.postgres import create_pool
from projections.rebuild import dump, rebuild
from projections.tables import PROJECTED
from projections.unsealing import keystore_unseal
from streams.domain.policy import Policy
from tests.faults.checker import standing
from tests.faults.checker.evidence import Accepted, Evidence, Poison, Position, Reply, Seen
from tests.faults.checker.reading import read_log
from tests.faults.checker.records import Log
from tests.faults.checker.spool import Lines
from tests.faults.checker.stored import listed


@asynccontextmanager
async def collected(settings: Settings, **options: Any) -> AsyncIterator[Evidence]:
    """`collect` into a temporary folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="storyreel-evidence-") as folder:
        yield await collect(settings, Path(folder), **options)


async def collect(
    settings: Settings,
    folder: Path,
    *,
    accepted: Sequence[Accepted] = (),
    replies: Sequence[Reply] = (),
    poison: Sequence[Poison] = (),
    quiet_s: float | None = None,
    bound_s: float = 60.0,
    grace_s: float = 0.0,
    environ: Mapping[str, str] = os.environ,
) -> Evidence:
    """Everything a check needs, large parts as files in `folder`. Call when `wait_quiet` has returned.

    `grace_s` is the age in seconds from which objects that nobody names are orphans.
    """
    log = await read_log(settings, folder)
    policy = Policy(slots=settings.device_slots)
    coordinator = await asyncio.to_thread(standing.fold, log, policy)
    live = await _dumped(settings, folder / "live")
    async with _fresh_database(settings) as fresh:
        with contextlib.closing(open_keystore(settings, environ)) as keystore:
            await rebuild(fresh, None, keystore_unseal(keystore))
        rebuilt = await _dumped(fresh, folder / "rebuilt")
    return Evidence(
        log=log,
        seen=Seen(accepted=list(accepted), replies=list(replies), poison=list(poison)),
        live=live,
        rebuilt=rebuilt,
        objects=await listed(settings, folder / "objects", grace_s),
        grace_s=grace_s,
        positions=[*standing.positions(log, coordinator, policy), *await _positions(settings, log)],
        coordinator=coordinator.usage,
        quiet_s=quiet_s,
        bound_s=bound_s,
    )


async def _dumped(settings: Settings, path: Path) -> Lines:
    pool = await create_pool(settings.database_url, max_size=1, name="storyreel-checker")
    try:
        lines = Lines(path)
        with lines.writing() as write:
            async for line in dump(pool):
                write(line)
        return lines
    finally:
        await pool.close()


@asynccontextmanager
async def _fresh_database(settings: Settings) -> AsyncIterator[Settings]:
    """Settings with an empty database beside the live one, dropped afterwards."""
    name = f"check_{uuid.uuid4().hex}"
    base, _, live = settings.database_url.rpartition("/")
    query = f"?{live.partition('?')[2]}" if "?" in live else ""
    connection = await asyncpg.connect(settings.database_url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        yield replace(settings, database_url=f"{base}/{name}{query}")
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


async def _positions(settings: Settings, log: Log) -> list[Position]:
    """Of the read models, whose cursors are in PostgreSQL."""
    pool = await create_pool(settings.database_url, max_size=1, name="storyreel-checker")
    try:
        cursors = await stored_cursors(pool)
    finally:
        await pool.close()
    ends, found = log.ends(), []
    for topic, partition in ((spec.name, number) for spec in PROJECTED for number in range(settings.shards)):
        cursor, end = cursors.get((topic, partition)), ends.get((topic, partition), 0)
        at = cursor.next_offset if cursor else 0
        found.append(Position(reader="read-models", topic=topic, partition=partition, position=at, end=end))
    return found
