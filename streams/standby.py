"""The fold of the committed ledger, followed as it grows: how a coordinator starts and how a standby stays warm."""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from msgspec.structs import replace

from infra.kafka import assigned, committed_end, written_end
from infra.settings import Settings
from schemas.envelope import LedgerRecord
from schemas.errors import ContractError
from schemas.serde import Codec
from streams.cancelling import finished
from streams.decoding import decode
from streams.domain.evolve import evolve
from streams.domain.policy import Policy
from streams.domain.state import ShardState
from streams.ledger import Heads, absorb
from streams.recovery import Ends, Recovered, check_next, check_positions, ledger_places

log = logging.getLogger(__name__)
STUCK = 1.0  # seconds that a number may be missing before the ends of all partitions are asked for
_WAIT_MS = 200
_MAX_RECORDS = 2_000
_KEEP_TIMEOUT = 60.0
_BREATH = 200  # events folded between two looks at the event loop


class Follower:
    """Merges all partitions of the ledger by shard_seq and folds them.

    A number may be missing because its record expired or was compacted away, or because the markers of its transaction
    are still being written. Only what was read to an end taken later than a record was seen tells which: `catch_up`.
    """

    def __init__(
        self, reader: AIOKafkaConsumer, ends: AIOKafkaConsumer, settings: Settings, codec: Codec, policy: Policy
    ) -> None:
        self._state, self._heads, self._events = ShardState(), Heads(), 0
        self._reader = reader
        self._ends = ends
        self._settings = settings
        self._codec = codec
        self._policy = policy
        self._places: list[TopicPartition] = []
        self._buffers: dict[TopicPartition, deque[tuple[ConsumerRecord, LedgerRecord]]] = {}
        self._heap: list[tuple[int, str, int]] = []
        self._positions: dict[tuple[str, int], int] = {}

    async def begin(self, found: Recovered) -> None:
        """Go on from this state; call once, before anything is read. Raises `ContractError` if the log does not allow it."""
        self._state, self._heads, self._events = found.state, found.heads, found.events
        self._positions = dict(found.positions)
        self._places = ledger_places(self._settings, found.heads.shard)
        self._buffers = {place: deque() for place in self._places}
        begins, ends = await self.bounds()
        check_positions(found, begins, ends)
        for place in self._places:
            self._reader.seek(place, self._positions.get((place.topic, place.partition), 0))

    async def bounds(self) -> tuple[Ends, Ends]:
        """First offsets and written ends of all partitions of the ledger."""
        begins = await self._reader.beginning_offsets(self._places)
        return begins, await written_end(self._ends, self._places)

    async def warm_up(self) -> None:
        """Fold everything that is committed now."""
        began, before = time.monotonic(), self._events
        committed = await committed_end(self._reader, self._places)
        await self._catch_up(committed, await written_end(self._ends, self._places))
        count, seconds = self._events - before, time.monotonic() - began
        log.info("folded %d events to shard_seq %d in %.2f s", count, self._heads.shard_seq, seconds)

    async def finish(self) -> Recovered:
        """Fold the rest. Call when nobody can write any more, that is after the transactional producer started."""
        ends = await written_end(self._ends, self._places)
        await self._catch_up(ends, ends)
        return Recovered(state=self._state, heads=self._heads, positions=dict(self._positions), events=self._events)

    async def follow(self) -> None:
        """Fold what is committed, for ever."""
        moved_at = time.monotonic()
        while True:
            before = self._events
            await self._fill(self._places)
            await self._fold_contiguous()
            if self._events > before or not self._heap:
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > STUCK:
                await self.warm_up()
                moved_at = time.monotonic()

    async def _catch_up(self, committed: Ends, written: Ends) -> None:
        """Fold all records before `committed`, whose ends were taken first, over gaps that reading up to `written` proves."""
        unread = set(self._places)
        while True:
            await self._fold_contiguous()
            for place in [p for p in unread if not self._buffers[p]]:
                if await self._reader.position(place) >= written[place]:
                    unread.discard(place)
            starved = [place for place in unread if not self._buffers[place]]
            if starved:
                await self._fill(starved)
            elif self._heap and self._next_offset() < committed[self._next_place()]:
                self._fold_next()
            else:
                return

    async def _fill(self, places: list[TopicPartition]) -> None:
        batches = await self._reader.getmany(*places, timeout_ms=_WAIT_MS, max_records=_MAX_RECORDS)
        if batches:
            await finished(self._keep(batches), _KEEP_TIMEOUT)

    async def _keep(self, batches: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> None:
        for place, messages in batches.items():
            buffer = self._buffers[place]
            was_empty = not buffer
            for count, message in enumerate(messages, start=1):
                if (record := await readable(self._codec, self._settings, message)) is not None:
                    buffer.append((message, record))
                if count % _BREATH == 0:
                    await asyncio.sleep(0)
            if was_empty and buffer:
                self._push(place)

    async def _fold_contiguous(self) -> None:
        count = 0
        while self._heap and self._heap[0][0] <= self._heads.shard_seq + 1:
            self._fold_next()
            count += 1
            if count % _BREATH == 0:
                await asyncio.sleep(0)

    def _fold_next(self) -> None:
        _, topic, partition = heapq.heappop(self._heap)
        place = TopicPartition(topic, partition)
        message, record = self._buffers[place].popleft()
        check_next(self._heads, message, record)
        prev_hash = self._codec.ledger_hash(record.stamp.prev_hash, message.value)
        self._heads = replace(absorb(self._heads, topic, partition, record), prev_hash=prev_hash)
        self._state = evolve(self._state, record, self._policy)
        self._events += 1
        self._positions[topic, partition] = message.offset + 1
        if self._buffers[place]:
            self._push(place)

    def _push(self, place: TopicPartition) -> None:
        heapq.heappush(self._heap, (self._buffers[place][0][1].stamp.shard_seq, place.topic, place.partition))

    def _next_place(self) -> TopicPartition:
        return TopicPartition(self._heap[0][1], self._heap[0][2])

    def _next_offset(self) -> int:
        return int(self._buffers[self._next_place()][0][0].offset)


@asynccontextmanager
async def following(settings: Settings, codec: Codec, policy: Policy, shard: int) -> AsyncIterator[Follower]:
    """A follower with its clients for the time of the block."""
    places = dict.fromkeys(ledger_places(settings, shard), 0)
    async with (
        assigned(settings.kafka, {**places}, auto_offset_reset="earliest") as reader,
        assigned(settings.kafka, {}, isolation_level="read_uncommitted") as ends,
    ):
        yield Follower(reader, ends, settings, codec, policy)


async def recover(settings: Settings, codec: Codec, policy: Policy, shard: int = 0) -> Recovered:
    """Fold the whole ledger, from its first record to an end taken now; nobody may be writing to it.

    Raises `ContractError` when a topic that is kept for ever has a hole, when the chain is broken or when two records
    claim one place: state would be wrong.
    """
    async with following(settings, codec, policy, shard) as follower:
        await follower.begin(Recovered.empty(shard))
        return await follower.finish()


async def readable(codec: Codec, settings: Settings, message: ConsumerRecord) -> LedgerRecord | None:
    """The record, or None for bytes somebody else wrote: had they been a record, a number would be missing behind them."""
    try:
        record = await decode(codec, settings, message.value, message.topic)
    except ContractError as error:
        log.error("%s[%d]@%d is not ours: %s", message.topic, message.partition, message.offset, error)  # noqa: TRY400
        return None
    if not isinstance(record, LedgerRecord):
        raise ContractError(f"{message.topic}[{message.partition}]@{message.offset} is no record of the ledger")
    return record
