"""Rebuilding the coordinator's state from its own committed output, merged over all topics by shard_seq."""

from __future__ import annotations

import heapq
import logging
import time
from collections import deque
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from msgspec import Struct
from msgspec.structs import replace

from infra.kafka import assigned, committed_end
from infra.settings import Settings
from schemas.envelope import LedgerRecord
from schemas.errors import ContractError
from schemas.serde import HEADER, Codec, chain_hash
from schemas.topics import LEDGER_TOPICS, REPORTS, REQUESTS, TOPIC_OF
from streams.decoding import decode
from streams.domain.evolve import evolve
from streams.domain.policy import Policy
from streams.domain.state import ShardState
from streams.ledger import Heads, absorb

log = logging.getLogger(__name__)


class Recovered(Struct, frozen=True, kw_only=True):
    """State and heads as of the last committed record; `events` counts what was folded."""

    state: ShardState
    heads: Heads
    events: int


async def recover(settings: Settings, codec: Codec, policy: Policy, shard: int = 0) -> Recovered:
    """Fold the whole ledger. Call after the transactional producer started, so that no older writer can add to it.

    Raises `ContractError` when a topic that is kept for ever has a hole, when the chain is broken or when two records
    claim one place: state would be wrong, so nothing starts.
    """
    began = time.monotonic()
    state, heads, count = ShardState(), Heads(shard=shard), 0
    places = _ledger_partitions(settings, shard)
    async with assigned(settings.kafka, dict.fromkeys(places, 0), auto_offset_reset="earliest") as consumer:
        async for message, record in _merged(consumer, places, codec, settings):
            check_next(heads, message, record)
            heads = absorb(heads, message.topic, message.partition, record)
            body = message.value[HEADER.size :]
            heads = replace(heads, prev_hash=chain_hash(record.stamp.prev_hash, type(record), body))
            state = evolve(state, record, policy)
            count += 1
    log.info("recovered %d events to shard_seq %d in %.2f s", count, heads.shard_seq, time.monotonic() - began)
    return Recovered(state=state, heads=heads, events=count)


def _ledger_partitions(settings: Settings, shard: int) -> list[TopicPartition]:
    places = []
    for topic in LEDGER_TOPICS:
        numbers = range(settings.device_slots) if topic.partitions == "slots" else [shard]
        places += [TopicPartition(topic.name, number) for number in numbers]
    return places


async def input_positions(settings: Settings, heads: Heads) -> dict[TopicPartition, int]:
    """Where to read on in requests and reports. Reports that their retention removed unread are passed over.

    Raises `ContractError` when requests are missing or a topic ends before the position: it is another log.
    """
    requests, reports = TopicPartition(REQUESTS.name, heads.shard), TopicPartition(REPORTS.name, heads.shard)
    positions = {requests: heads.requests_position, reports: heads.reports_position}
    async with assigned(settings.kafka, dict.fromkeys(positions)) as consumer:
        begins, ends = await consumer.beginning_offsets(list(positions)), await committed_end(consumer, positions)
    for place, position in positions.items():
        if position > ends[place] or (place == requests and position < begins[place]):
            raise ContractError(
                f"{place.topic}[{place.partition}] holds {begins[place]} to {ends[place]} but was read up to {position}: "
                "the log is incomplete or another one"
            )
    if positions[reports] < begins[reports]:
        log.warning("reports %d to %d were removed unread", positions[reports], begins[reports] - 1)
    return positions | {reports: max(positions[reports], begins[reports])}


def check_next(heads: Heads, message: ConsumerRecord, record: LedgerRecord) -> None:
    """Whether the record may follow what `heads` tell. Raises `ContractError`; gaps of retention are allowed."""
    stamp, topic = record.stamp, TOPIC_OF[type(record)]
    where = f"{message.topic}[{message.partition}]@{message.offset}"
    if stamp.shard_seq <= heads.shard_seq:
        raise ContractError(f"{where} has shard_seq {stamp.shard_seq}, which was taken: the log had two writers")
    if stamp.shard_seq == heads.shard_seq + 1 and stamp.prev_hash != heads.prev_hash:
        raise ContractError(f"{where} does not continue the chain of shard_seq {heads.shard_seq}: a record was changed")
    if topic.retention_ms is not None or topic.compact:
        return
    expected = heads.partition_seqs.get((message.topic, message.partition), 0) + 1
    if stamp.partition_seq != expected:
        raise ContractError(
            f"{where} has partition_seq {stamp.partition_seq} where {expected} must follow: the log is incomplete"
        )


async def _merged(
    consumer: AIOKafkaConsumer, places: list[TopicPartition], codec: Codec, settings: Settings
) -> AsyncIterator[tuple[ConsumerRecord, LedgerRecord]]:
    """All committed records up to the ends known now, in the order of shard_seq (a k-way merge)."""
    ends = await committed_end(consumer, places)
    waiting = {place for place, end in ends.items() if end > 0}
    buffers: dict[TopicPartition, deque[tuple[ConsumerRecord, LedgerRecord]]] = {place: deque() for place in waiting}
    heap: list[tuple[int, str, int]] = []
    open_places = set(waiting)
    while open_places or heap:
        starved = {place for place in open_places if not buffers[place]}
        if starved:
            await _fill(consumer, starved, buffers, ends, open_places, codec, settings)
            heap = [(b[0][1].stamp.shard_seq, p.topic, p.partition) for p, b in buffers.items() if b]
            heapq.heapify(heap)
            continue
        _, topic, partition = heapq.heappop(heap)
        place = TopicPartition(topic, partition)
        yield buffers[place].popleft()
        if buffers[place]:
            heapq.heappush(heap, (buffers[place][0][1].stamp.shard_seq, topic, partition))


async def _fill(
    consumer: AIOKafkaConsumer,
    starved: set[TopicPartition],
    buffers: dict[TopicPartition, deque[tuple[ConsumerRecord, LedgerRecord]]],
    ends: dict[TopicPartition, int],
    open_places: set[TopicPartition],
    codec: Codec,
    settings: Settings,
) -> None:
    batches = await consumer.getmany(*starved, timeout_ms=200, max_records=2_000)
    for place, messages in batches.items():
        for message in messages:
            if message.offset < ends[place] and (record := await _readable(codec, settings, message)) is not None:
                buffers[place].append((message, record))
    for place in starved:
        if await consumer.position(place) >= ends[place]:
            open_places.discard(place)


async def _readable(codec: Codec, settings: Settings, message: ConsumerRecord) -> LedgerRecord | None:
    """The record, or None for bytes somebody else wrote: had they been a record, a number would be missing behind them."""
    try:
        record = await decode(codec, settings, message.value, message.topic)
    except ContractError as error:
        log.error("%s[%d]@%d is not ours: %s", message.topic, message.partition, message.offset, error)  # noqa: TRY400
        return None
    if not isinstance(record, LedgerRecord):
        raise ContractError(f"{message.topic}[{message.partition}]@{message.offset} is no record of the ledger")
    return record
