"""A real broker and registry, and a writer that produces as the coordinator does."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence

import pytest
from aiokafka import AIOKafkaProducer
from msgspec.structs import replace

from api.live.tail import Tail
from infra.kafka import create_producer
from infra.local.stack import LocalStack, StackOptions
from infra.registry import learn_schema, load_codec
from infra.settings import Settings
from schemas.envelope import Envelope, LedgerRecord, Record, Stamp
from schemas.serde import HEADER, Codec, UnknownSchemaError, encode_body
from schemas.tasks import TaskCancelled
from schemas.topics import DECISIONS, PROGRESS, TASKS, TOPIC_OF, TOPICS

ACCOUNT = "acc"


@pytest.fixture(scope="package")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    async with LocalStack(tmp_path_factory.mktemp("stack"), options=StackOptions(topics=TOPICS)) as running:
        yield running


@pytest.fixture(scope="package")
async def codec(stack: LocalStack) -> Codec:
    return await load_codec(stack.settings)


class Coordinator:
    """Writes transactions; a broken producer is replaced, as the real one does. Numbers go on from test to test."""

    numbers = itertools.count(1)

    def __init__(self, bootstrap: str, codec: Codec) -> None:
        self._bootstrap, self._codec = bootstrap, codec
        self._producer: AIOKafkaProducer | None = None

    def event(self) -> TaskCancelled:
        """The next event on `tasks`; its task id is its number."""
        number = next(self.numbers)
        name = str(number)
        envelope = Envelope(event_id=name, aggregate_id=name, account_id=ACCOUNT, sequence=1)
        return TaskCancelled(task_id=name, envelope=envelope, stamp=Stamp(partition_seq=number, shard_seq=number))

    async def write(self, records: Sequence[LedgerRecord], *, commit: bool = True) -> None:
        """One transaction, retried until it is there or, without `commit`, aborted."""
        while True:
            try:
                async with asyncio.timeout(15):
                    return await self._write(records, commit=commit)
            except Exception:  # the test's own deadline ends this
                await self.close()
                await asyncio.sleep(0.2)

    async def write_as(self, record: LedgerRecord, schema_id: int) -> None:
        """One record under another schema id."""
        value = HEADER.pack(0, schema_id) + encode_body(record)
        producer = create_producer(self._bootstrap)
        await producer.start()
        await producer.send_and_wait(TOPIC_OF[type(record)].name, value, partition=0)
        await producer.stop()

    async def close(self) -> None:
        """Forget the producer."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), 2)
            except TimeoutError:
                return

    async def _write(self, records: Sequence[LedgerRecord], *, commit: bool) -> None:
        if self._producer is None:
            producer = create_producer(self._bootstrap, "test-api-coordinator")
            await producer.start()
            self._producer = producer
        await self._producer.begin_transaction()
        for record in records:
            topic, value = TOPIC_OF[type(record)].name, self._codec.encode(record)
            await self._producer.send_and_wait(topic, value, partition=0)
        if commit:
            await self._producer.commit_transaction()
        else:
            await self._producer.abort_transaction()


@pytest.fixture
async def coordinator(stack: LocalStack, codec: Codec) -> AsyncIterator[Coordinator]:
    made = Coordinator(stack.settings.kafka, codec)
    yield made
    await made.close()


class Followed:
    """A running tail and what it took. It asks the registry at `registry_url` for schemas it does not know."""

    def __init__(self, settings: Settings, codec: Codec) -> None:
        self.registry_url = settings.registry_url
        self._settings, self._codec = settings, codec
        self.records: list[Record] = []
        self.gaps = 0
        self._grown = asyncio.Event()
        self.tail = Tail(
            settings.kafka,
            codec,
            topics=(TASKS, DECISIONS, PROGRESS),
            shards=1,
            on_record=self._take,
            on_gap=self._gap,
            learn=self._learn,
        )
        self._task = asyncio.create_task(self.tail.run())

    async def until(self, count: int) -> list[Record]:
        """The records, once there are so many."""
        async with asyncio.timeout(90):
            while len(self.records) < count:
                self._grown.clear()
                await self._grown.wait()
        return self.records

    async def stop(self) -> None:
        """End the tail."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _take(self, record: Record) -> None:
        self.records.append(record)
        self._grown.set()

    def _gap(self) -> None:
        self.gaps += 1

    async def _learn(self, error: UnknownSchemaError) -> None:
        await learn_schema(self._codec, replace(self._settings, registry_url=self.registry_url), error)


@pytest.fixture
async def followed(stack: LocalStack, codec: Codec) -> AsyncIterator[Followed]:
    made = Followed(stack.settings, codec)
    async with asyncio.timeout(20):
        await made.tail.started.wait()
    yield made
    await made.stop()
