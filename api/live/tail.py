"""One read_committed consumer over the topics that clients wait for; it survives outages and continues where it was."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from infra.kafka import assigned, written_end
from schemas.envelope import LedgerRecord, Record
from schemas.errors import ContractError
from schemas.serde import Codec, UnknownSchemaError
from schemas.topics import TopicSpec

log = logging.getLogger(__name__)
POLL_MS = 25
PROBE_INTERVAL = 1.0  # seconds
PROBE_TIMEOUT = 2.0
BACKOFF_MAX = 2.0


class Tail:
    """Follows the partitions from their end. `on_record` is called in order for every record of a partition.

    `on_gap` is called when records were lost to this process (their retention passed during an outage). `learn` teaches
    the codec the schema of another version. Every topic has `shards` partitions.
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
                self._on_gap()
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("the tail lost the broker and connects again: %r", error)
            finally:
                self._ends = None
            wait = 0.1 if time.monotonic() - begun > 10 else min(BACKOFF_MAX, wait * 2)
            await asyncio.sleep(wait)

    @property
    def alive(self) -> bool:
        """Whether the broker answered within the last few seconds."""
        return time.monotonic() - self._alive_at < PROBE_INTERVAL + PROBE_TIMEOUT + 1

    def sequence(self, topic: str, partition: int) -> int:
        """The last `partition_seq` seen on the partition, 0 before any."""
        return self._sequences.get(TopicPartition(topic, partition), 0)

    async def reach_end(self, topic: str, partition: int, timeout: float) -> bool:
        """Wait until everything committed before this call was taken; False if that took longer or the broker is away."""
        tp = TopicPartition(topic, partition)
        try:
            async with asyncio.timeout(timeout):
                if self._ends is None:
                    return False
                end = (await written_end(self._ends, [tp]))[tp]
                while self._positions.get(tp, -1) < end:
                    await self._moved.wait()
        except (TimeoutError, KafkaError):
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
                await self._dispatch(tp, message)
        await self._note_positions(consumer)
        self._moved.set()
        self._moved = asyncio.Event()

    async def _note_positions(self, consumer: AIOKafkaConsumer) -> None:
        for tp in self._partitions:
            self._positions[tp] = int(await consumer.position(tp))

    async def _dispatch(self, tp: TopicPartition, message: ConsumerRecord[Any, Any]) -> None:
        if message.offset < self._positions.get(tp, 0):
            return
        try:
            record = await self._decode(message.value, tp.topic)
        except ContractError as error:
            self.poison += 1
            log.error("%s-%d offset %d is skipped: %s", tp.topic, tp.partition, message.offset, error)  # noqa: TRY400
        else:
            if isinstance(record, LedgerRecord):
                self._sequences[tp] = record.stamp.partition_seq
            self._on_record(record)
        self._positions[tp] = message.offset + 1

    async def _decode(self, value: bytes | None, topic: str) -> Record:
        try:
            return self._codec.decode(value, topic)
        except UnknownSchemaError as error:
            await self._learn(error)
            return self._codec.decode(value, topic)

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
            await asyncio.sleep(PROBE_INTERVAL)
