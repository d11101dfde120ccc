"""The ledger of a shard: gives drafts their ids, sequences, time, stamp and hash, and turns them into bytes.

Everything is derived from what was written before, so that a restart goes on exactly where the log ends.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from schemas.envelope import EPOCH, LedgerRecord, Stamp
from schemas.errors import ContractError
from schemas.ids import derived_id
from schemas.render import LeaseGranted, LeaseRevoked
from schemas.serde import Codec, Headers, chain_hash, encode_body
from schemas.tasks import TaskCancelled, TaskCompleted, TaskEvent, TaskExpired, TaskFailed, TaskRejected
from schemas.topics import DECISIONS, RENDER_COMMANDS, TOPIC_OF
from streams.domain.state import ShardState

SOURCE = "storyreel/coordinator"
TERMINAL = (TaskRejected, TaskCompleted, TaskCancelled, TaskFailed, TaskExpired)
MAX_KEY = 1_000  # characters of an aggregate id
GENESIS = bytes(32)  # previous hash of the first record


class Heads(Struct, frozen=True, kw_only=True):
    """Where the ledger ends: last numbers, last hash, last time, and the next input offsets to read."""

    shard: int = 0
    shard_seq: int = 0
    partition_seqs: Map[tuple[str, int], int] = Map()
    sequences: Map[str, int] = Map()
    account_seqs: Map[str, int] = Map()
    prev_hash: bytes = GENESIS
    occurred_at: datetime = EPOCH
    requests_position: int = 0
    reports_position: int = 0


class Entry(Struct, frozen=True, kw_only=True):
    """One record ready to be sent."""

    topic: str
    partition: int
    key: str
    record: LedgerRecord
    value: bytes
    headers: Headers


def append(
    heads: Heads, state: ShardState, draft: LedgerRecord, cause: str, now: datetime, codec: Codec
) -> tuple[Heads, Entry]:
    """Mark one draft as the next record of the shard. `cause` is the event id of the input that led to it.

    Raises `ContractError` for a record that is too large for the log or has a key that is.
    """
    topic = TOPIC_OF[type(draft)].name
    partition = partition_of(heads.shard, state, draft)
    place = (topic, partition)
    aggregate = f"{topic}:{draft.envelope.aggregate_id}"
    account_id = draft.envelope.account_id
    account_seq = heads.account_seqs.get(account_id, 0) + 1 if isinstance(draft, TaskEvent) else 0
    stamp = Stamp(
        shard=heads.shard,
        shard_seq=heads.shard_seq + 1,
        partition_seq=heads.partition_seqs.get(place, 0) + 1,
        account_seq=account_seq,
        prev_hash=heads.prev_hash,
        requests_position=heads.requests_position,
        reports_position=heads.reports_position,
    )
    envelope = replace(
        draft.envelope,
        event_id=derived_id("ledger", str(heads.shard), str(stamp.shard_seq)),
        sequence=heads.sequences.get(aggregate, 0) + 1,
        occurred_at=max(now, heads.occurred_at + timedelta(microseconds=1)),
        causation_id=cause,
    )
    record = replace(draft, envelope=envelope, stamp=stamp)
    body = encode_body(record)
    heads = absorb(heads, topic, partition, record)
    heads = replace(heads, prev_hash=chain_hash(stamp.prev_hash, type(record), body))
    entry = Entry(
        topic=topic,
        partition=partition,
        key=key_of(record),
        record=record,
        value=codec.frame(type(record), body),
        headers=codec.headers(record, SOURCE),
    )
    return heads, entry


def absorb(heads: Heads, topic: str, partition: int, record: LedgerRecord) -> Heads:
    """Take over the numbers of a record that is on the ledger; the hash is the caller's, who has the bytes."""
    envelope, stamp = record.envelope, record.stamp
    aggregate = f"{topic}:{envelope.aggregate_id}"
    sequences = heads.sequences
    if isinstance(record, TERMINAL):
        sequences = sequences.delete(aggregate) if aggregate in sequences else sequences
    elif topic != DECISIONS.name:
        sequences = sequences.set(aggregate, envelope.sequence)
    accounts = heads.account_seqs
    return replace(
        heads,
        shard_seq=stamp.shard_seq,
        partition_seqs=heads.partition_seqs.set((topic, partition), stamp.partition_seq),
        sequences=sequences,
        account_seqs=accounts.set(envelope.account_id, stamp.account_seq) if stamp.account_seq else accounts,
        occurred_at=max(heads.occurred_at, envelope.occurred_at),
        requests_position=max(heads.requests_position, stamp.requests_position),
        reports_position=max(heads.reports_position, stamp.reports_position),
    )


def partition_of(shard: int, state: ShardState, record: LedgerRecord) -> int:
    """Render commands go to the device's slot, everything else to the shard's partition."""
    if TOPIC_OF[type(record)] is not RENDER_COMMANDS:
        return shard
    if isinstance(record, LeaseGranted | LeaseRevoked):
        return record.slot
    return state.devices[record.envelope.aggregate_id].slot


def key_of(record: LedgerRecord) -> str:
    """The Kafka key: the aggregate."""
    key = record.envelope.aggregate_id
    if len(key) > MAX_KEY:
        raise ContractError(f"{type(record).__name__}: an aggregate id of {len(key)} characters exceeds {MAX_KEY}")
    return key
