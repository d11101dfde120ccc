"""One read_committed consumer over the topics that clients wait for; it survives outages and continues where it was."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from api.live.last_stamps import last_sequences
from infra.kafka import assigned, written_end
from schemas.envelope import LedgerRecord, Record
from schemas.errors import ContractError, InfrastructureError
from schemas.serde import Codec, UnknownSchemaError
from schemas.topics import BY_NAME, TopicSpec

log = logging.getLogger(__name__)
POLL_MS = 25
PROBE_INTERVAL = 0.5  # seconds
PROBE_TIMEOUT = 2.0
BACKOFF_MAX = 2.0
LEARN_PAUSE = 0.5
DEAF_AFTER = 10.0  # seconds without progress although records wait


class Tail:
    """Follows the partitions from their end. `on_record` is called in order for every record of a partition.

    `on_gap` is called when records were lost to this process (their retention passed during an outage). `learn` teaches
    the codec the schema of another version; while the registry is away only the partition waits that needs it. Every
    topic has `shards` partitions.
    """

    def __init__(
        self,
        bootstrap: str,
        codec: Codec,
        *,
        topics: Sequence[TopicSpec],
        shards: int,
        on_record: Callable[[Record], None],
        on_gap: Callable[[], None],
        learn: Callable[[UnknownSchemaError], Awaitable[None]],
    ) -> None:
        self._bootstrap = bootstrap
        self._codec = codec
        self._partitions = [TopicPartition(topic.name, shard) for topic in topics for shard in range(shards)]
        self._on_record, self._on_gap, self._learn = on_record, on_gap, learn
        self._positions: dict[TopicPartition, int] = {}
        self._sequences: dict[TopicPartition, int] = {}
        self._asking: dict[TopicPartition, asyncio.Task[None]] = {}
        self._useless: set[tuple[TopicPartition, int]] = set()  # places of records no registry can explain
        self._progress: tuple[dict[TopicPartition, int], float] = (
            {},
            0.0,
        )  # positions, and when they last moved or had no need to
        self._ends: AIOKafkaConsumer | None = None
        self._moved = asyncio.Event()
        self._alive_at = float("-inf")
        self.started = asyncio.Event()
        self.lag = 0
        self.poison = 0

    async def run(self) -> None:
        """Follow for ever; returns only by cancellation or by an error that is a bug."""
        wait = 0.1
        while True:
            begun = time.monotonic()
            try:
                await self._session()
            except OffsetOutOfRangeError as error:
                log.warning("the tail's positions are gone from the log and it starts again at the end: %s", error)
                self._positions.clear()
                self._sequences.clear()
                self._on_gap()
            except (KafkaError, OSError) as error:
                log.warning("the tail lost the broker and connects again: %r", error)
            finally:
                self._ends = None
                self._stop_asking()
            wait = 0.1 if time.monotonic() - begun > 10 else min(BACKOFF_MAX, wait * 2)
            await asyncio.sleep(wait)

    @property
    def alive(self) -> bool:
        """Whether the broker answered within the last few seconds."""
        return time.monotonic() - self._alive_at < PROBE_INTERVAL + PROBE_TIMEOUT + 1

    def sequence(self, topic: str, partition: int) -> int:
        """The last `partition_seq` on the partition as far as this process has read; known from the start on."""
        return self._sequences.get(TopicPartition(topic, partition), 0)

    async def reach_end(self, topic: str, partition: int, timeout: float) -> bool:
        """Wait until everything committed before this call was taken; False if that took longer or the broker is away.

        After a broker that did not answer nobody waits again until it does.
        """
        tp, ends = TopicPartition(topic, partition), self._ends
        if ends is None or not self.alive:
            return False
        end: int | None = None
        try:
            async with asyncio.timeout(timeout):
                end = (await written_end(ends, [tp]))[tp]
                while self._positions.get(tp, -1) < end:
                    await self._moved.wait()
        except (TimeoutError, KafkaError):
            if end is None:
                self._alive_at = float("-inf")
            return False
        return True

    async def _session(self) -> None:
        wanted = {tp: self._positions.get(tp) for tp in self._partitions}
        # Ends are asked on a connection of their own: a broker answers one connection in order, and a fetch is a long poll.
        async with (
            assigned(self._bootstrap, wanted) as consumer,
            assigned(self._bootstrap, {}, isolation_level="read_uncommitted") as ends,
        ):
            async with asyncio.timeout(30):
                await self._note_positions(consumer)
                await self._note_sequences()
            self._ends = ends
            self._alive_at = time.monotonic()
            self.started.set()
            probe = asyncio.create_task(self._probe(ends))
            try:
                while not probe.done():
                    await self._take(consumer)
                probe.result()
            finally:
                probe.cancel()

    async def _take(self, consumer: AIOKafkaConsumer) -> None:
        batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=2_000)
        for tp, messages in batches.items():
            for message in messages:
                try:
                    self._dispatch(tp, message)
                except UnknownSchemaError as unknown:
                    self._ask(consumer, tp, message.offset, unknown)
                    break
        await self._note_positions(consumer)
        self._moved.set()
        self._moved = asyncio.Event()

    async def _note_positions(self, consumer: AIOKafkaConsumer) -> None:
        for tp in self._partitions:
            self._positions[tp] = int(await consumer.position(tp))

    async def _note_sequences(self) -> None:
        """Where partitions that nobody wrote to since the start stand; short-lived topics feed no rows."""
        unknown = {
            tp: self._positions[tp]
            for tp in self._partitions
            if tp not in self._sequences and BY_NAME[tp.topic].retention_ms is None
        }
        if unknown:
            self._sequences |= await last_sequences(self._bootstrap, self._codec, unknown)

    def _dispatch(self, tp: TopicPartition, message: ConsumerRecord[Any, Any]) -> None:
        if message.offset < self._positions.get(tp, 0):
            return
        try:
            record = self._codec.decode(message.value, tp.topic)
        except ContractError as error:
            if isinstance(error, UnknownSchemaError) and (tp, message.offset) not in self._useless:
                raise
            self._useless.discard((tp, message.offset))
            self.poison += 1
            log.error("%s-%d offset %d is skipped: %s", tp.topic, tp.partition, message.offset, error)  # noqa: TRY400
        else:
            if isinstance(record, LedgerRecord):
                self._sequences[tp] = record.stamp.partition_seq
            self._on_record(record)
        self._positions[tp] = message.offset + 1

    def _ask(self, consumer: AIOKafkaConsumer, tp: TopicPartition, offset: int, unknown: UnknownSchemaError) -> None:
        """Hold the partition before the record until the registry has answered."""
        consumer.pause(tp)
        consumer.seek(tp, offset)

        async def ask() -> None:
            while True:
                try:
                    await self._learn(unknown)
                    break
                except ContractError:
                    self._useless.add((tp, offset))
                    break
                except InfrastructureError as error:
                    log.warning("%s-%d waits at offset %d: %s", tp.topic, tp.partition, offset, error)
                    await asyncio.sleep(LEARN_PAUSE)
            consumer.resume(tp)
            del self._asking[tp]

        self._asking[tp] = asyncio.create_task(ask(), name=f"schema {unknown.schema_id}")

    def _stop_asking(self) -> None:
        for task in self._asking.values():
            task.cancel()
        self._asking.clear()

    async def _probe(self, ends_of: AIOKafkaConsumer) -> None:
        while True:
            try:
                async with asyncio.timeout(PROBE_TIMEOUT):
                    ends = await written_end(ends_of, self._partitions)
            except (TimeoutError, KafkaError) as error:
                log.warning("the broker does not answer: %r", error)
            else:
                self._alive_at = time.monotonic()
                self.lag = sum(max(0, end - self._positions.get(tp, end)) for tp, end in ends.items())
                self._check_progress()
            await asyncio.sleep(PROBE_INTERVAL)

    def _check_progress(self) -> None:
        """Raise `TimeoutError` when nothing comes although records wait: a fetch that died unseen never comes back.

        A transaction left open looks the same; a new session then changes nothing.
        """
        positions, since = self._progress
        if self.lag == 0 or self._asking or positions != self._positions:
            self._progress = dict(self._positions), time.monotonic()
        elif time.monotonic() - since > DEAF_AFTER:
            self._progress = {}, 0.0
            raise TimeoutError(f"{self.lag} records wait and none came for {DEAF_AFTER:g} s")
