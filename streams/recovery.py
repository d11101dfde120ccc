"""What a fold of the coordinator's own output gives, and the checks that keep a wrong one from deciding."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from aiokafka import ConsumerRecord, TopicPartition
from msgspec import Struct, field

from infra.kafka import assigned, committed_end
from infra.settings import Settings
from schemas.envelope import LedgerRecord
from schemas.errors import ContractError
from schemas.topics import BY_NAME, LEDGER_TOPICS, REPORTS, REQUESTS, TOPIC_OF, TopicSpec
from streams.domain.state import ShardState
from streams.ledger import Heads

log = logging.getLogger(__name__)
Ends = Mapping[TopicPartition, int]


class Recovered(Struct, frozen=True, kw_only=True):
    """State and heads as of one record of the ledger; `events` counts what this process folded for it.

    `positions` are the offsets behind the last folded record, by topic and partition.
    """

    state: ShardState = ShardState()
    heads: Heads = Heads()
    positions: Mapping[tuple[str, int], int] = field(default_factory=dict)
    events: int = 0

    @classmethod
    def empty(cls, shard: int) -> Recovered:
        """Before the first record."""
        return cls(heads=Heads(shard=shard))


def ledger_places(settings: Settings, shard: int) -> list[TopicPartition]:
    """Every partition that the shard's coordinator writes its ledger to."""
    places = []
    for topic in LEDGER_TOPICS:
        numbers = range(settings.device_slots) if topic.partitions == "slots" else [shard]
        places += [TopicPartition(topic.name, number) for number in numbers]
    return places


def is_complete(topic: TopicSpec) -> bool:
    """Whether the topic keeps every record for ever."""
    return topic.retention_ms is None and not topic.compact


def check_positions(found: Recovered, begins: Ends, ends: Ends) -> None:
    """Whether the log can be read on from a saved state. `begins` and `ends` are those of the ledger's partitions.

    Raises `ContractError` when it ends before what the state knows of it, or begins behind it.
    """
    for place, end in ends.items():
        position = found.positions.get((place.topic, place.partition), 0)
        if position > end or (position < begins[place] and is_complete(BY_NAME[place.topic])):
            raise ContractError(
                f"{place.topic}[{place.partition}] holds {begins[place]} to {end} but a snapshot was made at {position}: "
                "the log is incomplete or another one"
            )


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
    if not is_complete(topic):
        return
    expected = heads.partition_seqs.get((message.topic, message.partition), 0) + 1
    if stamp.partition_seq != expected:
        raise ContractError(
            f"{where} has partition_seq {stamp.partition_seq} where {expected} must follow: the log is incomplete"
        )
