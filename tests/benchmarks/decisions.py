"""How fast the coordinator decides: in pure code, and as a process that empties a topic of requests by transactions."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
from aiokafka import TopicPartition
from msgspec import Struct

from infra.kafka import assigned
from infra.local.stack import LocalStack, StackOptions
from infra.registry import load_codec
from infra.settings import Settings
from schemas.envelope import LedgerRecord, Record
from schemas.serde import Codec
from schemas.topics import DECISIONS, TOPIC_OF, TOPICS
from streams.batch import Batch
from streams.coordinator import policy_of
from streams.domain import decider
from streams.domain.policy import Policy
from streams.recovery import Recovered
from tests.benchmarks.figures import Figure, Options
from tests.benchmarks.ledger import Life
from tests.integration.coordinator.desk import Coordinator, Desk, images

ACCOUNTS = 16
PATIENCE = 300.0


class Emptied(Struct):
    """One emptying of the topic: decisions a second, CPU ms of the coordinator a decision."""

    per_s: float
    cpu_ms: float


async def measure(options: Options) -> list[Figure]:
    """Pure code first, then through a broker."""
    with tempfile.TemporaryDirectory(prefix="storyreel-decisions-") as folder:
        async with LocalStack(Path(folder), options=StackOptions(topics=TOPICS)) as stack:
            settings = stack.settings
            codec = await load_codec(settings)
            policy, inputs = policy_of(settings), options.count(20_000, 1_000)
            found = Found(requests=options.count(10_000, 1_000))
            for _ in range(options.runs):
                found.drafts.append((one := Pure(codec, policy)).cpu_us(one.drafts, inputs))
                found.batches.append((one := Pure(codec, policy)).cpu_us(one.batches, inputs))
                options.say(f"pure code: {found.drafts[-1]:.0f} µs an input, whole batch {found.batches[-1]:.0f} µs")
            for _ in range(options.runs):
                found.emptied.append(await _emptied(settings, codec, Path(folder), found.requests))
                options.say(f"{found.requests} requests: {found.emptied[-1]}")
                options.keep(found.figures())
    return found.figures()


class Found(Struct, kw_only=True):
    """µs an input in pure code, without and with what makes it a transaction; and the emptied topics."""

    requests: int
    drafts: list[float] = []
    batches: list[float] = []
    emptied: list[Emptied] = []

    def figures(self) -> list[Figure]:
        """All so far."""
        through = f"{self.requests} requests wait for the coordinator to start"
        mix = "requests, starts and results of pictures with their follow-ups"
        return [
            Figure(
                name="decisions through transactions",
                unit="/s",
                runs=[run.per_s for run in self.emptied],
                limit=1_500,
                stretch=4_000,
                note=through,
            ),
            Figure(
                name="CPU time of the coordinator for them",
                unit="ms each",
                runs=[run.cpu_ms for run in self.emptied],
                better="less",
            ),
            Figure(name="pure code: decide and fold", unit="µs an input", runs=self.drafts, better="less", note=mix),
            Figure(name="the same with stamps, chain and Avro", unit="µs an input", runs=self.batches, better="less"),
        ]


class Pure:
    """Accounts, devices and tasks in memory; `drafts` decides and folds alone, `batches` is all that a transaction holds."""

    def __init__(self, codec: Codec, policy: Policy) -> None:
        found = Recovered.empty(0)
        self._state, self._heads = found.state, found.heads
        self._codec, self._policy = codec, policy
        self._offset = 0

    def cpu_us(self, take: Callable[[list[Record]], list[LedgerRecord]], count: int) -> float:
        """CPU microseconds an input of about `count`, without those of making the inputs."""
        life, taken, spent = Life(), 0, 0.0
        inputs = life.beginning()
        while taken < count:
            began = time.process_time()
            events = take(inputs)
            spent += time.process_time() - began
            taken += len(inputs)
            life.saw(events)
            inputs = life.next_inputs()
        return 1e6 * spent / taken

    def drafts(self, inputs: list[Record]) -> list[LedgerRecord]:
        now, events = datetime.now(UTC), []
        for record in inputs:
            for event, after in decider.run(self._state, record, now, self._policy):
                events.append(event)
                self._state = after
        return events

    def batches(self, inputs: list[Record]) -> list[LedgerRecord]:
        batch = Batch(self._state, self._heads, self._codec, self._policy)
        for record in inputs:
            message: Any = SimpleNamespace(topic=TOPIC_OF[type(record)].name, partition=0, offset=self._offset)
            self._offset += 1
            batch.take(message, record)
        batch.follow_up()
        self._state, self._heads = batch.state, batch.heads
        return [entry.record for entry in batch.entries]


async def _emptied(settings: Settings, codec: Codec, folder: Path, requests: int) -> Emptied:
    """Accounts first; then requests are written while nobody decides, and decided by a coordinator that finds them."""
    coordinator = Coordinator(settings, folder)
    await coordinator.start()
    async with Desk(settings, codec, from_end=True).open() as desk:
        accounts = [await desk.account() for _ in range(ACCOUNTS)]
        await coordinator.stop()
        sent = [await desk.post(images(accounts[n % ACCOUNTS], "nobody-has-it")) for n in range(requests)]
        await asyncio.gather(*sent)
    async with assigned(settings.kafka, {TopicPartition(DECISIONS.name, 0): None}) as consumer:
        await coordinator.start()
        assert coordinator.process is not None
        process = psutil.Process(coordinator.process.pid)
        before = process.cpu_times()
        stamps = await _stamps(consumer, requests)
        after = process.cpu_times()
        await coordinator.stop()
    busy = after.user + after.system - before.user - before.system
    return Emptied(per_s=1_000 * (len(stamps) - 1) / (stamps[-1] - stamps[0]), cpu_ms=1_000 * busy / requests)


async def _stamps(consumer: Any, count: int) -> list[int]:
    """Times of so many decisions, ms, as the coordinator wrote them."""
    stamps: list[int] = []
    async with asyncio.timeout(PATIENCE):
        while len(stamps) < count:
            batches = await consumer.getmany(timeout_ms=500, max_records=5_000)
            stamps += [message.timestamp for messages in batches.values() for message in messages]
    return sorted(stamps)
