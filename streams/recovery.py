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
from infra.registry import learn_schema
from infra.settings import Settings
from schemas.envelope import LedgerRecord
from schemas.errors import ContractError
from schemas.serde import HEADER, Codec, UnknownSchemaError, chain_hash
from schemas.topics import LEDGER_TOPICS, TOPIC_OF
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

    Raises `ContractError` when a topic that is kept for ever has a hole: state would be wrong, so nothing starts.
    """
    began = time.monotonic()
    state, heads, count = ShardState(), Heads(shard=shard), 0
    places = await _ledger_partitions(settings, shard)
    async with assigned(settings.kafka, dict.fromkeys(places, 0), auto_offset_reset="earliest") as consumer:
        async for message, record in _merged(consumer, places, codec, settings):
            _check_contiguous(heads, message, record)
            heads = absorb(heads, message.topic, message.partition, record)
            body = message.value[HEADER.size :]
            heads = replace(heads, prev_hash=chain_hash(record.stamp.prev_hash, type(record), body))
            state = evolve(state, record, policy)
            count += 1
    log.info("recovered %d events to shard_seq %d in %.2f s", count, heads.shard_seq, time.monotonic() - began)
    return Recovered(state=state, heads=heads, events=count)


async def _ledger_partitions(settings: Settings, shard: int) -> list[TopicPartition]:
    places = []
    for topic in LEDGER_TOPICS:
        numbers = range(settings.device_slots) if topic.partitions == "slots" else [shard]
        places += [TopicPartition(topic.name, number) for number in numbers]
    return places


def _check_contiguous(heads: Heads, message: ConsumerRecord, record: LedgerRecord) -> None:
    topic = TOPIC_OF[type(record)]
    if topic.retention_ms is not None or topic.compact:
        return
    expected = heads.partition_seqs.get((message.topic, message.partition), 0) + 1
    if record.stamp.partition_seq != expected:
        raise ContractError(
            f"{message.topic}[{message.partition}] has partition_seq {record.stamp.partition_seq} at offset "
            f"{message.offset} where {expected} must follow: the log is incomplete"
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
            if message.offset < ends[place]:
                buffers[place].append((message, await decode_ledger(codec, settings, message)))
    for place in starved:
        if await consumer.position(place) >= ends[place]:
            open_places.discard(place)


async def decode_ledger(codec: Codec, settings: Settings, message: ConsumerRecord) -> LedgerRecord:
    """Decode a record of a ledger topic, asking the registry for schema versions not met before."""
    try:
        record = codec.decode(message.value, message.topic)
    except UnknownSchemaError as error:
        await learn_schema(codec, settings, error)
        record = codec.decode(message.value, message.topic)
    if not isinstance(record, LedgerRecord):
        raise ContractError(f"{message.topic}[{message.partition}]@{message.offset} is no record of the ledger")
    return record
