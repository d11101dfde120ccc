"""The mark of where the ledger ends: written when it rests, so that no number is given twice after records expired."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition
from msgspec.structs import replace

from infra.kafka import assigned, committed_end
from infra.settings import Settings
from schemas.envelope import Envelope
from schemas.errors import ContractError
from schemas.ids import derived_id
from schemas.serde import Codec
from schemas.snapshots import LedgerMarked, PartitionHead, SnapshotRef
from schemas.topics import BY_NAME, SNAPSHOTS
from streams.decoding import decode
from streams.recovery import Recovered, is_complete

log = logging.getLogger(__name__)
_FIRST_LOOK = 50  # offsets from the end; the newest mark is nearly always the last record
_WIDER = 20
_MARKER = 1  # offsets that the end of a transaction takes behind its last record


async def newest_mark(settings: Settings, codec: Codec, shard: int) -> LedgerMarked | None:
    """The last committed mark of the shard, None if there is none."""
    place = TopicPartition(SNAPSHOTS.name, shard)
    async with assigned(settings.kafka, {place: 0}) as consumer:
        (begin,) = (await consumer.beginning_offsets([place])).values()
        end, look, found = (await committed_end(consumer, [place]))[place], _FIRST_LOOK, None
        while found is None and begin < end:
            start = max(begin, end - look)
            consumer.seek(place, start)
            while await consumer.position(place) < end:
                for message in (await consumer.getmany(place, timeout_ms=200)).get(place, []):
                    record = await _mark(codec, settings, message.value, message.offset)
                    found = record or found
            if start == begin:
                break
            look *= _WIDER
    return found


def mark_of(found: Recovered, snapshots: Sequence[SnapshotRef]) -> LedgerMarked:
    """What to remember of the ledger's end."""
    heads = found.heads
    partitions = [
        PartitionHead(topic=topic, partition=partition, partition_seq=number, offset=found.positions[topic, partition])
        for (topic, partition), number in sorted(heads.partition_seqs.items())
        if (topic, partition) in found.positions
    ]
    name = str(heads.shard)
    return LedgerMarked(
        envelope=Envelope(
            event_id=derived_id("mark", name, str(heads.shard_seq)), aggregate_id=name, occurred_at=heads.occurred_at
        ),
        shard=heads.shard,
        shard_seq=heads.shard_seq,
        prev_hash=heads.prev_hash,
        requests_position=heads.requests_position,
        reports_position=heads.reports_position,
        partitions=partitions,
        snapshots=list(snapshots),
    )


def settled(
    found: Recovered,
    mark: LedgerMarked | None,
    begins: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> Recovered:
    """The fold with what the mark knows of records that have expired; numbers that may have been given are passed over.

    `begins` and `ends` are those of all partitions of the ledger. Raises `ContractError` when the mark knows of records
    of a topic that is kept for ever which the fold did not find.
    """
    found = _with_mark(found, mark) if mark is not None else found
    known = {(head.topic, head.partition): head.offset for head in mark.partitions} if mark is not None else {}
    heads, lost = found.heads, 0
    for place, begin in begins.items():
        key = (place.topic, place.partition)
        behind = begin - max(known.get(key, 0), found.positions.get(key, 0))
        if not is_complete(BY_NAME[place.topic]) and begin == ends[place] and behind > _MARKER:
            numbers = heads.partition_seqs.set(key, heads.partition_seqs.get(key, 0) + behind)
            heads, lost = replace(heads, partition_seqs=numbers), lost + behind
    if not lost:
        return found
    log.warning("up to %d of the newest records expired unread; their numbers are passed over", lost)
    return replace(found, heads=replace(heads, shard_seq=heads.shard_seq + lost))


def _with_mark(found: Recovered, mark: LedgerMarked) -> Recovered:
    heads = found.heads
    numbers = heads.partition_seqs
    for head in mark.partitions:
        key = (head.topic, head.partition)
        if numbers.get(key, 0) >= head.partition_seq:
            continue
        if is_complete(BY_NAME[head.topic]):
            raise ContractError(
                f"{head.topic}[{head.partition}] ends with partition_seq {numbers.get(key, 0)} but {head.partition_seq} "
                "was written: the log is incomplete or another one"
            )
        numbers = numbers.set(key, head.partition_seq)
    heads = replace(
        heads,
        partition_seqs=numbers,
        requests_position=max(heads.requests_position, mark.requests_position),
        reports_position=max(heads.reports_position, mark.reports_position),
        occurred_at=max(heads.occurred_at, mark.envelope.occurred_at),
    )
    if mark.shard_seq > heads.shard_seq:
        heads = replace(heads, shard_seq=mark.shard_seq, prev_hash=mark.prev_hash)
    return replace(found, heads=heads)


async def _mark(codec: Codec, settings: Settings, value: bytes | None, offset: int) -> LedgerMarked | None:
    try:
        record = await decode(codec, settings, value, SNAPSHOTS.name)
    except ContractError as error:
        log.error("%s@%d is not ours: %s", SNAPSHOTS.name, offset, error)  # noqa: TRY400 - the record says it all
        return None
    return record if isinstance(record, LedgerMarked) else None
