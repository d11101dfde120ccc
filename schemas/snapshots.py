"""Where the coordinator's ledger stands and where its state was saved. Derivable: all of it follows from the ledger."""

from __future__ import annotations

from msgspec import Struct

from schemas.envelope import Record


class SnapshotRef(Struct, frozen=True, kw_only=True):
    """A saved state in the object store, as of `shard_seq`."""

    key: str = ""
    sha256: str = ""
    size: int = 0
    shard_seq: int = 0


class PartitionHead(Struct, frozen=True, kw_only=True):
    """The last number given in a partition of the ledger, and the offset behind its record."""

    topic: str = ""
    partition: int = 0
    partition_seq: int = 0
    offset: int = 0


class LedgerMarked(Record, frozen=True, kw_only=True):
    """The ledger's end at some time, and the saved states, the newest first; the last one of a shard holds.

    It remembers numbers, hash and positions when the records that carried them have expired.
    """

    shard: int = 0
    shard_seq: int = 0
    prev_hash: bytes = b""
    requests_position: int = 0
    reports_position: int = 0
    partitions: list[PartitionHead] = []
    snapshots: list[SnapshotRef] = []


AnyMark = LedgerMarked
