"""The deciding loop: inputs in, one transaction a batch out. The state in memory is always the fold of what was committed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from immutables import Map

from infra import crash_points
from infra.kafka import committed_end
from infra.settings import Settings
from schemas.errors import ContractError, InfrastructureError
from schemas.render import DeviceHeartbeat
from schemas.serde import Codec, Headers
from schemas.topics import DEAD_LETTERS
from streams.batch import Batch
from streams.cancelling import finished
from streams.decoding import decode
from streams.domain.policy import Policy
from streams.heartbeats import LeaseClocks
from streams.pacing import Pace
from streams.recovery import Recovered

log = logging.getLogger(__name__)
MAX_BATCH = 500
POLL_MS = 250
FINISH_TIMEOUT = 1.5  # seconds that a stop waits for a transaction
Outgoing = tuple[str, int, bytes | None, bytes | None, Headers]  # topic, partition, key, value, headers


class Loop:
    """One time of deciding. `found` is what was committed: it is replaced as a whole, never changed."""

    def __init__(
        self, settings: Settings, codec: Codec, policy: Policy, producer: AIOKafkaProducer, found: Recovered
    ) -> None:
        self.found = found
        self.idle_since = time.monotonic()
        self._positions: Map[tuple[str, int], int] = Map(dict(found.positions))
        self._settings = settings
        self._codec = codec
        self._policy = policy
        self._producer = producer
        self._clocks = LeaseClocks(settings.lease_timeout)
        self._writing = asyncio.Lock()

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
                log.warning("a heartbeat is undecodable and was skipped (the inspector keeps it): %s", error)
            else:
                beats += [record] if isinstance(record, DeviceHeartbeat) else []
        return beats

    async def decide_all(self, consumer: AIOKafkaConsumer) -> None:
        """Take whatever waits, decide it, and commit it as one transaction, again and again.

        A cancellation takes effect between transactions: one that has begun is finished.
        """
        pace = Pace()
        while True:
            await asyncio.sleep(pace.wait(time.monotonic()))
            wait_ms = int(self._settings.tick_interval * 1000)
            batches = await consumer.getmany(timeout_ms=wait_ms, max_records=MAX_BATCH)
            pace.begun(time.monotonic(), sum(map(len, batches.values())))
            batch = Batch(self.found.state, self.found.heads, self._codec, self._policy)
            for message in (m for messages in batches.values() for m in messages):
                await self._take(batch, message)
            for lapse in self._clocks.lapsed(time.monotonic(), batch.state):
                batch.decide(lapse, "")
            batch.follow_up()
            if batch.entries:
                await finished(self._commit(batch), FINISH_TIMEOUT)
                self.idle_since = time.monotonic()

    async def write(self, outgoing: Sequence[Outgoing]) -> list[int]:
        """Commit records in a transaction of their own; their offsets. Raises `KafkaError`, also when fenced."""
        async with self._writing:
            return await finished(self._transaction(outgoing), FINISH_TIMEOUT)

    async def _transaction(self, outgoing: Sequence[Outgoing]) -> list[int]:
        await self._producer.begin_transaction()
        sent = []
        for topic, partition, key, value, headers in outgoing:
            sent.append(await self._producer.send(topic, value, key=key, partition=partition, headers=headers))
            crash_points.reach("coordinator.in_transaction")
        crash_points.reach("coordinator.before_commit")
        await self._producer.commit_transaction()
        return [(await future).offset for future in sent]

    async def _take(self, batch: Batch, message: ConsumerRecord) -> None:
        try:
            record = await decode(self._codec, self._settings, message.value, message.topic)
        except ContractError as error:
            log.warning("%s[%d]@%d is undecodable: %s", message.topic, message.partition, message.offset, error)
            batch.refuse(message, error)
        else:
            batch.take(message, record)

    async def _commit(self, batch: Batch) -> None:
        crash_points.reach("coordinator.before_transaction")
        outgoing: list[Outgoing] = [
            (entry.topic, entry.partition, entry.key.encode(), entry.value, entry.headers) for entry in batch.entries
        ]
        outgoing += [(DEAD_LETTERS.name, 0, dead.key, dead.value, dead.headers) for dead in batch.dead]
        offsets = await self.write(outgoing)
        crash_points.reach("coordinator.after_commit")
        with self._positions.mutate() as positions:
            for entry, offset in zip(batch.entries, offsets, strict=False):
                positions[entry.topic, entry.partition] = offset + 1
            self._positions = positions.finish()
        self.found = Recovered(state=batch.state, heads=batch.heads, positions=self._positions)
