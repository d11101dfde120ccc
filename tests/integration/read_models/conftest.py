"""The shared broker, registry and PostgreSQL; a writer that produces as the coordinator does; the worker as a process."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from msgspec.structs import replace

from infra.kafka import create_producer
from infra.keystore import SqliteKeystore, open_keystore
from infra.local.stack import LocalStack
from infra.ready import READY_FILE
from infra.registry import load_codec
from infra.settings import Settings
from projections.apply import DeadLetter, Ports
from projections.catch_up import Reader
from projections.decoding import Decoder
from projections.migrate import migrate
from projections.postgres import Pool, create_pool
from projections.queries import Queries
from projections.rebuild import dump
from projections.unsealing import keystore_unseal
from schemas.envelope import LedgerRecord
from schemas.serde import Codec
from schemas.topics import TOPIC_OF
from tests.integration.read_models.applying import Applied
from tests.unit.projections.ledger import Ledger


@pytest.fixture(scope="package")
async def codec(stack: LocalStack) -> Codec:
    return await load_codec(stack.settings)


class Writer:
    """Writes stamped events in transactions, like the coordinator."""

    def __init__(self, ledger: Ledger, codec: Codec, producer: AIOKafkaProducer) -> None:
        self.ledger = ledger
        self.codec = codec
        self.producer = producer

    async def write(self, events: Sequence[LedgerRecord]) -> int:
        """One committed transaction; returns the last offset of the events on `tasks` or of the last event."""
        async with self.producer.transaction():
            sent = [await self._send(event) for event in events]
            return int((await sent[-1]).offset)

    async def abort(self, events: Sequence[LedgerRecord]) -> None:
        """One aborted transaction whose records did reach the log."""
        await self.producer.begin_transaction()
        for future in [await self._send(event) for event in events]:
            await future
        await self.producer.abort_transaction()

    async def raw(
        self, topic: str, value: bytes | None, headers: list[tuple[str, bytes]], key: bytes = b"poison"
    ) -> int:
        """Any bytes, committed."""
        async with self.producer.transaction():
            sent = await self.producer.send(topic, value, key=key, partition=0, headers=headers)
            return int((await sent).offset)

    async def _send(self, event: LedgerRecord) -> Any:
        topic, value = TOPIC_OF[type(event)].name, self.codec.encode(event)
        key = event.envelope.aggregate_id.encode()
        headers = self.codec.headers(event, "test")
        return await self.producer.send(topic, value, key=key, partition=0, headers=headers)


@pytest.fixture(scope="package")
async def writer(stack: LocalStack, codec: Codec) -> AsyncIterator[Writer]:
    producer = create_producer(stack.settings.kafka, "test-coordinator")
    await producer.start()
    yield Writer(Ledger(), codec, producer)
    await producer.stop()


@asynccontextmanager
async def fresh_database(stack: LocalStack) -> AsyncIterator[Settings]:
    """Settings with a database of its own."""
    name = f"test_{uuid.uuid4().hex}"
    await _administer(stack, f"CREATE DATABASE {name}")
    try:
        url = stack.settings.database_url.rpartition("/")[0] + f"/{name}"
        yield replace(stack.settings, database_url=url)
    finally:
        await _administer(stack, f"DROP DATABASE {name} WITH (FORCE)")


async def _administer(stack: LocalStack, sql: str) -> None:
    connection = await asyncpg.connect(stack.settings.database_url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture
async def settings(stack: LocalStack) -> AsyncIterator[Settings]:
    async with fresh_database(stack) as own:
        yield own


@pytest.fixture
async def other_settings(stack: LocalStack) -> AsyncIterator[Settings]:
    async with fresh_database(stack) as own:
        yield own


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    made = await create_pool(settings.database_url, max_size=4, writes=True)
    await migrate(made)
    yield made
    made.terminate()


@pytest.fixture
def queries(pool: Pool) -> Queries:
    return Queries(pool, patience=30)


@pytest.fixture
def keystore(stack: LocalStack) -> SqliteKeystore:
    return open_keystore(stack.settings, os.environ)


@pytest.fixture
def applied(pool: Pool) -> Applied:
    return Applied(pool)


@pytest.fixture
async def reader(settings: Settings, pool: Pool, codec: Codec, keystore: SqliteKeystore) -> Reader:
    async def fail(letters: Sequence[DeadLetter]) -> None:
        unexpected = [letter for letter in letters if not (letter.delivered.key or b"").startswith(b"poison")]
        assert not unexpected

    return Reader(settings, pool, Decoder(codec, settings), Ports(keystore_unseal(keystore), fail))


class Worker:
    """`python -m streams read-models` as the supervisor would start it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.ready = folder / f"ready-{uuid.uuid4().hex}"
        self.log = folder / "worker.log"
        self.process: Process | None = None
        self._started_at = 0

    async def start(self) -> None:
        """Start and wait until it says that it is ready."""
        self.ready.unlink(missing_ok=True)
        environment = os.environ | self.settings.to_env() | {READY_FILE: str(self.ready)}
        with self.log.open("ab") as log:
            self._started_at = log.tell()
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "streams", "read-models", env=environment, stderr=log, stdout=log
            )

        async def is_ready() -> bool:
            assert self.process is not None
            assert self.process.returncode is None, self.log.read_text()
            return self.ready.exists()

        await eventually(is_ready, 60)

    async def following(self) -> None:
        """Wait until the Faust agents have taken over from the bulk reader or stand by."""

        async def taken() -> bool:
            new = self.log.read_bytes()[self._started_at :]
            return b"agents read" in new or b"agents stand by" in new

        await eventually(taken, 60)

    async def end(self, number: int) -> int:
        """Send a signal and wait for the end; returns the exit status."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.process.wait()


async def eventually(condition: Callable[[], Awaitable[bool]], timeout: float) -> float:
    """Wait until the condition holds; returns the seconds it took."""
    start = time.monotonic()
    while not await condition():
        assert time.monotonic() - start < timeout, f"not within {timeout} s"
        await asyncio.sleep(0.005)
    return time.monotonic() - start


async def settled(queries: Queries, ledger: Ledger) -> None:
    """Wait until the rows hold everything written so far."""
    for topic, partition_seq in ledger.partition_seq.items():
        assert await queries.wait_for(topic, 0, partition_seq, 30), topic


@pytest.fixture
async def worker(settings: Settings, pool: Pool, tmp_path: Path) -> AsyncIterator[Worker]:
    made = Worker(settings, tmp_path)
    await made.start()
    yield made
    await made.end(9)


async def dumped(pool: Pool) -> list[str]:
    """All read models as lines."""
    return [line async for line in dump(pool)]
