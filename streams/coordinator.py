"""The only decider: reads requests, reports and heartbeats, decides, and writes everything in one transaction a batch."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced
from msgspec.structs import replace

from infra.kafka import assigned, create_producer
from infra.ready import mark_ready
from infra.registry import learn_schema, load_codec
from infra.settings import Settings
from schemas.envelope import LedgerRecord, Record
from schemas.errors import ContractError, InfrastructureError
from schemas.render import DeviceHeartbeat
from schemas.serde import Codec, Headers, UnknownSchemaError
from schemas.topics import DEAD_LETTERS, HEARTBEATS, REPORTS, REQUESTS
from streams import ledger, rejection
from streams.domain.decider import decide, follow_up
from streams.domain.devices import LeaseLapsed
from streams.domain.evolve import evolve
from streams.domain.policy import Policy
from streams.domain.state import ShardState
from streams.heartbeats import LeaseClocks
from streams.recovery import recover

log = logging.getLogger(__name__)
MAX_BATCH = 500
REJOIN_PAUSE = 2.0  # seconds before another try after an infrastructure error


def policy_of(settings: Settings) -> Policy:
    """The rules' numbers as configured."""
    return Policy(
        retry_wait=timedelta(seconds=settings.retry_wait),
        acquire_timeout=timedelta(seconds=settings.acquire_timeout),
        slots=settings.device_slots,
    )


async def run(settings: Settings, shard: int = 0) -> None:
    """Decide until cancelled. Infrastructure errors start a new session from the log; being fenced ends the process."""
    policy = policy_of(settings)
    codec = await load_codec(settings)
    while True:
        try:
            await _session(settings, codec, policy, shard)
        except ProducerFenced:
            log.exception("another coordinator took over shard %d; this one ends", shard)
            await asyncio.sleep(REJOIN_PAUSE)
            raise
        except (KafkaError, InfrastructureError, OSError) as error:
            log.warning("session lost (%r); state is dropped and recovered in %s s", error, REJOIN_PAUSE)
            await asyncio.sleep(REJOIN_PAUSE)


async def _session(settings: Settings, codec: Codec, policy: Policy, shard: int) -> None:
    producer = create_producer(settings.kafka, f"coordinator-{shard}", transaction_timeout_ms=15_000)
    await producer.start()
    try:
        found = await recover(settings, codec, policy, shard)
        inputs = {
            TopicPartition(REQUESTS.name, shard): found.heads.requests_position,
            TopicPartition(REPORTS.name, shard): found.heads.reports_position,
        }
        beats: dict[TopicPartition, int | None] = {TopicPartition(HEARTBEATS.name, shard): None}
        async with (
            assigned(settings.kafka, dict(inputs)) as consumer,
            assigned(settings.kafka, beats, fetch_max_wait_ms=250) as heartbeats,
        ):
            loop = Loop(settings, codec, policy, producer, found.state, found.heads)
            mark_ready(os.environ)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(loop.watch(heartbeats))
                tasks.create_task(loop.decide_all(consumer))
    except* (KafkaError, InfrastructureError, OSError) as errors:
        raise _first(errors) from errors
    finally:
        await asyncio.wait_for(producer.stop(), 5)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    fenced = errors.subgroup(ProducerFenced)
    error: BaseException = fenced or errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class Loop:
    """One session: the state in memory is always the fold of what was committed."""

    def __init__(
        self,
        settings: Settings,
        codec: Codec,
        policy: Policy,
        producer: AIOKafkaProducer,
        state: ShardState,
        heads: ledger.Heads,
    ) -> None:
        self._settings = settings
        self._codec = codec
        self._policy = policy
        self._producer = producer
        self._state = state
        self._heads = heads
        self._clocks = LeaseClocks(settings.lease_timeout)

    async def watch(self, consumer: AIOKafkaConsumer) -> None:
        """Keep the lease clocks by reading heartbeats."""
        while True:
            batches = await consumer.getmany(timeout_ms=250, max_records=1_000)
            beats: list[DeviceHeartbeat] = []
            for message in (m for batch in batches.values() for m in batch):
                try:
                    beats.append(self._codec.decode_as(message.value, DeviceHeartbeat))
                except ContractError as error:
                    log.warning("a heartbeat is undecodable and was skipped: %s", error)
            self._clocks.polled(time.monotonic(), beats, at_end=await _at_end(consumer))

    async def decide_all(self, consumer: AIOKafkaConsumer) -> None:
        """Take whatever waits, decide it, and commit it as one transaction, again and again."""
        while True:
            wait_ms = int(self._settings.tick_interval * 1000)
            batches = await consumer.getmany(timeout_ms=wait_ms, max_records=MAX_BATCH)
            batch = Batch(self._state, self._heads, self._codec, self._policy)
            for message in (m for messages in batches.values() for m in messages):
                await self._take(batch, message)
            for lapse in self._clocks.lapsed(time.monotonic(), batch.state):
                batch.decide(lapse, "")
            batch.follow_up()
            await self._commit(batch)

    async def _take(self, batch: Batch, message: ConsumerRecord) -> None:
        try:
            try:
                record = self._codec.decode(message.value, message.topic)
            except UnknownSchemaError as error:
                await learn_schema(self._codec, self._settings, error)
                record = self._codec.decode(message.value, message.topic)
        except ContractError as error:
            batch.bury(message, error)
            batch.advance(message)
            return
        batch.advance(message)
        try:
            batch.decide(record, record.envelope.event_id)
        except Exception as error:
            log.exception("deciding %s failed", type(record).__name__)
            batch.bury(message, error)
            batch.reject(record, error)

    async def _commit(self, batch: Batch) -> None:
        if not batch.entries and not batch.dead:
            return
        await self._producer.begin_transaction()
        for entry in batch.entries:
            await self._producer.send(
                entry.topic,
                entry.value,
                key=entry.key.encode(),
                partition=entry.partition,
                headers=entry.headers,
            )
        for value, key, headers in batch.dead:
            await self._producer.send(DEAD_LETTERS.name, value, key=key, partition=0, headers=headers)
        await self._producer.commit_transaction()
        self._state, self._heads = batch.state, batch.heads


class Batch:
    """What one transaction will hold, built on top of the committed state."""

    def __init__(self, state: ShardState, heads: ledger.Heads, codec: Codec, policy: Policy) -> None:
        self.state = state
        self.heads = heads
        self.entries: list[ledger.Entry] = []
        self.dead: list[tuple[bytes | None, bytes | None, Headers]] = []
        self._codec = codec
        self._policy = policy

    def decide(self, event: Record | LeaseLapsed, cause: str) -> None:
        """Decide one input and fold its events."""
        now = datetime.now(UTC)
        self._append(decide(self.state, event, now, self._policy), cause, now)

    def follow_up(self) -> None:
        """Let the state call for more until it calls for nothing."""
        now = datetime.now(UTC)
        while events := follow_up(self.state, now, self._policy):
            self._append(events, "", now)

    def advance(self, message: ConsumerRecord) -> None:
        """The input up to and including this message is consumed."""
        field = "requests_position" if message.topic == REQUESTS.name else "reports_position"
        self.heads = replace(self.heads, **{field: message.offset + 1})

    def bury(self, message: ConsumerRecord, error: Exception) -> None:
        """Keep an input nobody can decide: original bytes and headers, and where, why."""
        self.dead.append((message.value, message.key, rejection.dead_letter_headers(message, error)))

    def reject(self, record: Record, error: Exception) -> None:
        """Answer a request whose decision failed with an internal error; it charges nothing."""
        self._append(rejection.internal_error(record, error), record.envelope.event_id, datetime.now(UTC))

    def _append(self, drafts: Iterable[LedgerRecord], cause: str, now: datetime) -> None:
        for drafted in drafts:
            self.heads, entry = ledger.append(self.heads, self.state, drafted, cause, now, self._codec)
            self.state = evolve(self.state, entry.record, self._policy)
            self.entries.append(entry)


async def _at_end(consumer: AIOKafkaConsumer) -> bool:
    for partition in consumer.assignment():
        end = consumer.highwater(partition)
        if end is None or await consumer.position(partition) < end:
            return False
    return True
