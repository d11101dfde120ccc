"""What every record carries beside its own fields. Clock and ids come in as arguments; nothing is made up here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from msgspec import Struct

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Envelope(Struct, frozen=True, kw_only=True):
    """Identity and lineage. `sequence` counts the records of one aggregate from 1; times are UTC with microseconds.

    `correlation_id` is the request that started it all, `causation_id` the record that caused this one.
    """

    event_id: str = ""
    aggregate_id: str = ""
    sequence: int = 0
    account_id: str = ""
    occurred_at: datetime = EPOCH
    correlation_id: str = ""
    causation_id: str = ""


class Stamp(Struct, frozen=True, kw_only=True):
    """The coordinator's mark on a record: its place in the shard's ledger and how far the inputs were consumed.

    `shard_seq` is contiguous over all topics of the shard, `partition_seq` per topic partition, both from 1;
    `account_seq` counts an account's task events from 1 (0 elsewhere). `prev_hash` is SHA-256 of the shard's previous
    record (previous hash, then schema fingerprint, then Avro body). `requests_position` and `reports_position` are the
    next offsets to read.
    """

    shard: int = 0
    shard_seq: int = 0
    partition_seq: int = 0
    account_seq: int = 0
    prev_hash: bytes = b""
    requests_position: int = 0
    reports_position: int = 0


class Record(Struct, frozen=True, kw_only=True):
    """Base of everything that is written to a topic."""

    schema_name: ClassVar[str] = ""
    envelope: Envelope = Envelope()


class LedgerRecord(Record, frozen=True, kw_only=True):
    """Base of everything the coordinator writes."""

    stamp: Stamp = Stamp()
