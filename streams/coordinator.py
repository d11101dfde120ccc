"""The only decider: reads requests, reports and heartbeats, decides, and writes everything in one transaction a batch."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from infra import crash_points
from infra.kafka import assigned, committed_end, create_producer
from infra.ready import mark_ready
from infra.registry import load_codec
from infra.settings import Settings
from schemas.errors import ContractError, InfrastructureError
from schemas.render import DeviceHeartbeat
from schemas.serde import Codec
from schemas.topics import DEAD_LETTERS, HEARTBEATS
from streams import ledger
from streams.batch import Batch
from streams.decoding import decode
from streams.domain.policy import Policy
from streams.domain.state import ShardState
from streams.heartbeats import LeaseClocks
from streams.recovery import input_positions, recover

log = logging.getLogger(__name__)
MAX_BATCH = 500
REJOIN_PAUSE = 2.0  # seconds before another try after an infrastructure error
STOP_TIMEOUT = 5.0
POLL_MS = 250
AWAY = (KafkaError, InfrastructureError, OSError)


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
            log.exception(
                "another coordinator took over shard %d, or a transaction outlived its time: this one ends", shard
            )
            await asyncio.sleep(REJOIN_PAUSE)
            raise
        except AWAY as error:
            log.warning("session lost (%r); state is dropped and recovered in %s s", error, REJOIN_PAUSE)
            await asyncio.sleep(REJOIN_PAUSE)


async def _session(settings: Settings, codec: Codec, policy: Policy, shard: int) -> None:
    producer = create_producer(settings.kafka, f"coordinator-{shard}", transaction_timeout_ms=15_000)
    try:
        await producer.start()
        found = await recover(settings, codec, policy, shard)
        inputs = await input_positions(settings, found.heads)
        beats: dict[TopicPartition, int | None] = {TopicPartition(HEARTBEATS.name, shard): None}
        async with (
            assigned(settings.kafka, dict(inputs)) as consumer,
            assigned(settings.kafka, beats, fetch_max_wait_ms=POLL_MS) as heartbeats,
        ):
            loop = Loop(settings, codec, policy, producer, found.state, found.heads)
            mark_ready(os.environ)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(loop.watch(heartbeats))
                tasks.create_task(loop.decide_all(consumer))
    except ExceptionGroup as errors:
        if errors.split(AWAY)[1] is not None:
            raise
        raise _first(errors) from errors
    finally:
        await _close(producer)


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    error: Exception = errors.subgroup(ProducerFenced) or errors
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


async def _close(producer: AIOKafkaProducer) -> None:
    """Never hides why the session ended. What is left open is fenced and aborted by the next start."""
    try:
        await asyncio.wait_for(producer.stop(), STOP_TIMEOUT)
    except (KafkaError, OSError) as error:
        log.warning("the producer did not close cleanly: %r", error)


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
        """Keep the lease clocks by reading heartbeats. A broker that is away answers no question for the end."""
        (partition,) = consumer.assignment()
        while True:
            end = (await committed_end(consumer, [partition]))[partition]
            beats = await self._beats(consumer)
            while await consumer.position(partition) < end:
                beats += await self._beats(consumer)
            self._clocks.polled(time.monotonic(), beats)

    async def _beats(self, consumer: AIOKafkaConsumer) -> list[DeviceHeartbeat]:
        batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=1_000)
        beats: list[DeviceHeartbeat] = []
        for message in (m for batch in batches.values() for m in batch):
            try:
                record = await decode(self._codec, self._settings, message.value, message.topic)
            except (ContractError, InfrastructureError) as error:
                log.warning("a heartbeat is undecodable and was skipped: %s", error)
            else:
                beats += [record] if isinstance(record, DeviceHeartbeat) else []
        return beats

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
            self._state, self._heads = batch.state, batch.heads

    async def _take(self, batch: Batch, message: ConsumerRecord) -> None:
        try:
            record = await decode(self._codec, self._settings, message.value, message.topic)
        except ContractError as error:
            log.warning("%s[%d]@%d is undecodable: %s", message.topic, message.partition, message.offset, error)
            batch.refuse(message, error)
        else:
            batch.take(message, record)

    async def _commit(self, batch: Batch) -> None:
        if not batch.entries:
            return
        crash_points.reach("coordinator.before_transaction")
        await self._producer.begin_transaction()
        for entry in batch.entries:
            await self._producer.send(
                entry.topic,
                entry.value,
                key=entry.key.encode(),
                partition=entry.partition,
                headers=entry.headers,
            )
            crash_points.reach("coordinator.in_transaction")
        for dead in batch.dead:
            await self._producer.send(DEAD_LETTERS.name, dead.value, key=dead.key, partition=0, headers=dead.headers)
        crash_points.reach("coordinator.before_commit")
        await self._producer.commit_transaction()
        crash_points.reach("coordinator.after_commit")
