"""Both ends of the coordinator played by a test: clients that ask, devices that answer, and a reader of all it wrote."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import uuid
from asyncio.subprocess import Process
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from infra.kafka import assigned, create_producer, settled_end
from infra.ready import READY_FILE
from infra.settings import Settings
from schemas.common import StageKind, StagePlan, Tier
from schemas.decisions import RequestDecided
from schemas.envelope import Envelope, LedgerRecord, Record
from schemas.ids import new_id
from schemas.render import RenderCommand
from schemas.requests import AnyRequest, ImageRequested, RequestInfo, UserRegistrationRequested
from schemas.serde import HEADER, Codec, chain_hash
from schemas.topics import DEAD_LETTERS, LEDGER_TOPICS, TOPIC_OF
from streams.ledger import GENESIS

R = TypeVar("R", bound=Record)
PATIENCE = 30.0
ROOT = Path(__file__).parents[3]


class Coordinator:
    """`python -m streams coordinator` as the supervisor would start it, to be killed at any time."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.log = folder / f"coordinator-{uuid.uuid4().hex}.log"
        self._ready = self.log.with_suffix(".ready")
        self.process: Process | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self, patience: float = PATIENCE) -> None:
        """Start and wait until it decides, or stands by because another one does."""
        if self.running:
            return
        self._ready.unlink(missing_ok=True)
        environment = os.environ | self.settings.to_env() | {READY_FILE: str(self._ready)}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "streams", "coordinator", env=environment, stderr=log, stdout=log, cwd=ROOT
            )
        process = self.process
        await eventually(lambda: self._ready.exists() or process.returncode is not None, patience)
        assert self.running, self.log.read_text()

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def logged(self, text: str, count: int = 1) -> None:
        """Wait until its log holds `text` that often."""
        await eventually(lambda: self.log.read_text().count(text) >= count)

    async def stop(self) -> int:
        """SIGTERM; its exit status."""
        self.signal(signal.SIGTERM)
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), PATIENCE)

    async def kill(self) -> None:
        if self.running:
            self.signal(signal.SIGKILL)
        if self.process is not None:
            await self.process.wait()


async def eventually(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience} s"
        await asyncio.sleep(0.01)


class Desk:
    """Writes requests and reports, and follows every ledger topic and the dead letters."""

    def __init__(self, settings: Settings, codec: Codec, *, from_end: bool = False) -> None:
        self.settings = settings
        self.codec = codec
        self._from = None if from_end else 0
        self.seen: list[LedgerRecord] = []
        self.dead: list[ConsumerRecord[Any, Any]] = []
        self.decisions: dict[str, list[RequestDecided]] = defaultdict(list)
        self.commands: dict[str, list[RenderCommand]] = defaultdict(list)
        self.arrived_at: dict[str, float] = {}
        self.producer: AIOKafkaProducer = create_producer(settings.kafka)
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Desk]:
        await self.producer.start()
        places = dict.fromkeys([*self.ledger_places(), TopicPartition(DEAD_LETTERS.name, 0)], self._from)
        async with assigned(self.settings.kafka, dict(places)) as consumer:
            following = asyncio.create_task(self._follow(consumer))
            try:
                yield self
            finally:
                following.cancel()
                await self.producer.stop()

    def ledger_places(self) -> list[TopicPartition]:
        return [
            TopicPartition(topic.name, number)
            for topic in LEDGER_TOPICS
            for number in (range(self.settings.device_slots) if topic.partitions == "slots" else (0,))
        ]

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            batches = await consumer.getmany(timeout_ms=100)
            async with self._news:
                for message in (m for batch in batches.values() for m in batch):
                    self._note(message)
                self._news.notify_all()

    def _note(self, message: ConsumerRecord[Any, Any]) -> None:
        if message.topic == DEAD_LETTERS.name:
            self.dead.append(message)
            return
        record = self.codec.decode(message.value, message.topic)
        assert isinstance(record, LedgerRecord)
        self.seen.append(record)
        if isinstance(record, RenderCommand):
            self.commands[record.device_id].append(record)
        if isinstance(record, RequestDecided):
            self.decisions[record.request_id].append(record)
            self.arrived_at[record.request_id] = time.monotonic()

    async def until(self, condition: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Wait for something to appear on the log."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(condition), patience)

    def all(self, kind: type[R], **fields: Any) -> list[R]:
        return [
            record
            for record in self.seen
            if isinstance(record, kind) and all(getattr(record, name) == value for name, value in fields.items())
        ]

    async def expect(self, kind: type[R], count: int = 1, patience: float = PATIENCE, **fields: Any) -> list[R]:
        """Wait for `count` records of a kind."""
        try:
            await self.until(lambda: len(self.all(kind, **fields)) >= count, patience)
        except TimeoutError:
            raise AssertionError(f"no {count} {kind.__name__} {fields} within {patience} s") from None
        return self.all(kind, **fields)

    async def write(self, record: Record) -> None:
        """Write a request, report or heartbeat and wait for the acknowledgement."""
        await (await self.post(record))

    async def post(self, record: Record) -> asyncio.Future[Any]:
        """The same without waiting."""
        topic = TOPIC_OF[type(record)].name
        headers = self.codec.headers(record, "test")
        value = self.codec.encode(record)
        sent: asyncio.Future[Any] = await self.producer.send(topic, value, key=b"k", partition=0, headers=headers)
        return sent

    async def ask(self, request: AnyRequest) -> RequestDecided:
        """Write a request and wait for its decision."""
        await self.write(request)
        await self.until(lambda: bool(self.decisions[request.request.request_id]))
        return self.decisions[request.request.request_id][0]

    @asynccontextmanager
    async def producer_for_large(self) -> AsyncIterator[AIOKafkaProducer]:
        """A client that may send as much as the broker takes."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka, max_request_size=2_090_000, acks="all")
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    async def account(self, tier: Tier = Tier.VIP) -> str:
        """A new account."""
        account = new_id()
        await self.ask(
            UserRegistrationRequested(envelope=envelope(account), request=info(account), tier=tier, new_key_id="key")
        )
        return account


def envelope(account: str) -> Envelope:
    return Envelope(event_id=new_id(), account_id=account, correlation_id=new_id(), occurred_at=datetime.now(UTC))


def info(task_id: str, valid: float = 600.0) -> RequestInfo:
    valid_until = datetime.now(UTC) + timedelta(seconds=valid)
    return RequestInfo(request_id=new_id(), task_id=task_id, body_hash="hash", valid_until=valid_until)


def images(account: str, engine: str, count: int = 1) -> ImageRequested:
    """A request for pictures by an engine that only this test's devices run."""
    stages = [
        StagePlan(stage_id=f"shot-{n:02d}", kind=StageKind.SHOT, engine=engine, deliver=True)
        for n in range(1, count + 1)
    ]
    return ImageRequested(envelope=envelope(account), request=info(new_id()), stages=stages, width=64, height=64)


async def read_ledger(desk: Desk) -> list[tuple[ConsumerRecord[Any, Any], LedgerRecord]]:
    """Everything written up to now, by shard_seq; read without the product's recovery."""
    places = desk.ledger_places()
    found = []
    ends = await settled_end(desk.settings.kafka, places)
    async with assigned(desk.settings.kafka, dict.fromkeys(places, 0)) as consumer:
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200, max_records=5_000)).values():
                found += [(message, desk.codec.decode(message.value, message.topic)) for message in batch]
    ledger = [(message, record) for message, record in found if isinstance(record, LedgerRecord)]
    return sorted(ledger, key=lambda pair: pair[1].stamp.shard_seq)


def check_ledger(ledger: Sequence[tuple[ConsumerRecord[Any, Any], LedgerRecord]]) -> None:
    """Numbers contiguous without a duplicate, chain unbroken, and at most one decision a request."""
    previous = GENESIS
    numbers: dict[tuple[str, int], int] = defaultdict(int)
    decided: set[str] = set()
    for place, (message, record) in enumerate(ledger, start=1):
        stamp = record.stamp
        assert stamp.shard_seq == place
        assert stamp.prev_hash == previous
        previous = chain_hash(previous, type(record), message.value[HEADER.size :])
        where = (message.topic, message.partition)
        assert stamp.partition_seq == numbers[where] + 1
        numbers[where] = stamp.partition_seq
        if isinstance(record, RequestDecided):
            assert record.request_id not in decided
            decided.add(record.request_id)
