"""Signed checkpoints of the ledger: what was on it cannot be changed afterwards without the private key."""

from __future__ import annotations

from schemas.envelope import Record
from schemas.snapshots import PartitionHead


class CheckpointSigned(Record, frozen=True, kw_only=True):
    """The shard's ledger from `first_shard_seq` to `last_shard_seq` under one signature; the checkpoints chain as well.

    `root` is a Merkle root (RFC 6962, SHA-256) over the ledger hashes of these records in order of `shard_seq`, `kept_root`
    one over the `kept_events` of them that lie on topics kept for ever. The signature (Ed25519) covers the checkpoint's
    text, which names every other field.
    """

    shard: int = 0
    number: int = 0
    first_shard_seq: int = 0
    last_shard_seq: int = 0
    head_hash: bytes = b""
    root: bytes = b""
    kept_events: int = 0
    kept_root: bytes = b""
    partitions: list[PartitionHead] = []
    previous: bytes = b""
    key_id: str = ""
    signature: bytes = b""


AnyCheckpoint = CheckpointSigned
