"""Broker and database go away and come back."""

from __future__ import annotations

import asyncio
import random
import signal
import time

import asyncpg

from infra.local.postgres import DATABASE, create_extension
from tests.faults.harness.arena import Arena
from tests.faults.harness.journal import Injection
from tests.faults.harness.schedule import RESTARTED

EVERY_S = (4.0, 9.0)  # seconds between two deaths during an outage
_BACKENDS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
)


async def broker(arena: Arena, injection: Injection) -> None:
    """SIGKILL the broker; it starts again after the time the fault lasts."""
    await arena.until(lambda: not arena.broker_away)
    runner = arena.runner("kafka")
    arena.broker_away = True
    await runner.hold_down()

    async def back() -> None:
        await runner.bring_up()
        arena.broker_away = False

    arena.later(injection, injection.fault.lasts, back)


async def broker_outage(arena: Arena, injection: Injection) -> None:
    """The same for a minute, in which other processes die now and then."""
    await broker(arena, injection)
    chance = random.Random(injection.fault.seed)
    ended = time.monotonic() + injection.fault.lasts - EVERY_S[1]
    killed = 0
    while time.monotonic() < ended:
        await asyncio.sleep(chance.uniform(*EVERY_S))
        pid = arena.pid(arena.runner(chance.choice(RESTARTED)))
        killed += pid is not None and arena.signal(pid, signal.SIGKILL)  # the supervisor starts it again by itself
    injection.note = f"{killed} other processes were killed meanwhile"


async def database_restart(arena: Arena, injection: Injection) -> None:
    """SIGKILL the database server; it recovers from its own log when it starts again."""
    await arena.alive("postgres")
    runner = arena.runner("postgres")
    await runner.hold_down()
    arena.later(injection, injection.fault.lasts, runner.bring_up)


async def terminate_backends(arena: Arena, injection: Injection) -> None:
    """Cut every connection to the database."""
    await arena.alive("postgres")
    connection = await asyncpg.connect(_maintenance(arena.settings.database_url), timeout=10)
    try:
        cut = await connection.fetchval(_BACKENDS, DATABASE)
    finally:
        await connection.close()
    injection.note = f"{cut} connections"


async def lose_database(arena: Arena, injection: Injection) -> None:
    """Drop the database with everything in it and put an empty one in its place."""
    await arena.alive("postgres")
    connection = await asyncpg.connect(_maintenance(arena.settings.database_url), timeout=10)
    try:
        await connection.execute(f'DROP DATABASE "{DATABASE}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close()
    try:
        await create_extension(arena.settings.database_url)
    except asyncpg.UniqueViolationError:  # a process of the product was faster
        await create_extension(arena.settings.database_url)
    injection.note = "dropped and made anew, empty"


def _maintenance(url: str) -> str:
    return url.rpartition("/")[0] + "/postgres"
