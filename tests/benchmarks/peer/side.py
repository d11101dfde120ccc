"""The peer as running processes."""

from __future__ import annotations

import hashlib
import secrets
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from infra.local import ports
from infra.local.postgres import Postgres, binaries
from infra.local.postgres_user import choose_identity
from infra.local.probes import http_ok, tcp_open
from infra.local.process import ProcessSpec
from infra.local.supervisor import Supervisor
from tests.benchmarks.sides import ACCOUNTS
from tests.benchmarks.tools import ROOT, packages, redis_server

SCHEMA = Path(__file__).with_name("schema.sql")
WORKERS = 2
A_DAY = 10_000  # pictures an account may make, as for the product's best tier


class Peer:
    """See `tests.benchmarks.sides.Side`."""

    name = "peer"

    def __init__(self, supervisor: Supervisor, base_url: str, database: asyncpg.Connection, logs: Path) -> None:
        self.base_url, self.logs = base_url, logs
        self.keys: list[str] = []
        self._supervisor, self._database = supervisor, database

    def processes(self) -> dict[str, int]:
        runners = self._supervisor.runners.items()
        return {name: runner.process.pid for name, runner in runners if runner.process is not None}

    async def completed(self) -> int:
        return int(await self._database.fetchval("SELECT count(*) FROM tasks WHERE status = 'completed'"))

    async def rested(self) -> str:
        """Nothing waits, and no quota is held."""
        held, used = await self._database.fetchval("SELECT (sum(held), sum(used)) FROM quotas")
        done = await self.completed()
        assert (held, used) == (0, done), f"the peer holds {held} and charged {used} for {done} tasks"
        return f"{done} tasks charged"

    async def register(self) -> None:
        """Accounts with keys, and with a quota for each of some days."""
        for _ in range(ACCOUNTS):
            account, key = uuid.uuid4(), secrets.token_urlsafe(32)
            digest = hashlib.sha256(key.encode()).digest()
            await self._database.execute("INSERT INTO accounts VALUES ($1, $2)", account, digest)
            for days in range(3):
                day = datetime.now(UTC).date() + timedelta(days=days)
                await self._database.execute(
                    "INSERT INTO quotas (account_id, day, allowed) VALUES ($1, $2, $3)", account, day, A_DAY
                )
            self.keys.append(key)


@asynccontextmanager
async def running_peer(folder: Path) -> AsyncIterator[Peer]:
    """The peer in a folder of its own, with the product's PostgreSQL binaries and options."""
    database, redis, http = _ports(3)
    home = folder / "postgres"
    home.mkdir(parents=True, mode=0o700)
    logs = folder / "logs"
    logs.mkdir()
    (folder / "redis").mkdir()
    (folder / "objects").mkdir()
    server = Postgres(home, folder / "password", choose_identity(binaries() / "postgres", home), database)
    environment = {
        "PYTHONPATH": f"{packages('peer')}:{ROOT}",
        "PEER_DATABASE": server.url,
        "PEER_REDIS": f"redis://127.0.0.1:{redis}/0",
        "PEER_OBJECTS": str(folder / "objects"),
    }

    async def prepared() -> None:
        await server.create_database()
        connection = await asyncpg.connect(server.url)
        await connection.execute(SCHEMA.read_text())
        await connection.close()

    specs = [
        server.spec(prepared),
        _redis(folder / "redis", redis),
        _api(http, environment),
        _worker(environment),
    ]
    supervisor = Supervisor(specs, logs)
    try:
        await supervisor.start()
        connection = await asyncpg.connect(server.url)
        peer = Peer(supervisor, f"http://127.0.0.1:{http}", connection, logs)
        await peer.register()
        yield peer
        await connection.close()
    finally:
        await supervisor.stop()


def _ports(count: int) -> list[int]:
    chosen: list[int] = []
    while len(chosen) < count:
        chosen.append(ports.choose(None, frozenset(chosen)))
    return chosen


def _redis(folder: Path, port: int) -> ProcessSpec:
    options = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--dir", str(folder)]
    return ProcessSpec(
        name="redis",
        argv=(str(redis_server()), "--bind", "127.0.0.1", "--port", str(port), *options),
        probe=tcp_open(port),
    )


def _api(port: int, environment: dict[str, str]) -> ProcessSpec:
    options = ("--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-server-header")
    return ProcessSpec(
        name="api",
        argv=(sys.executable, "-m", "uvicorn", "tests.benchmarks.peer.app:app", *options),
        env=environment,
        cwd=ROOT,
        needs=("postgres", "redis"),
        probe=http_ok(f"http://127.0.0.1:{port}/openapi.json"),
    )


def _worker(environment: dict[str, str]) -> ProcessSpec:
    options = ("--concurrency", str(WORKERS), "--loglevel", "WARNING", "--without-gossip", "--without-mingle")
    return ProcessSpec(
        name="worker",
        argv=(sys.executable, "-m", "celery", "--app", "tests.benchmarks.peer.work", "worker", *options),
        env=environment,
        cwd=ROOT,
        needs=("postgres", "redis"),
    )
