"""Checkpoints as signed text. A person can read it, and any Ed25519 tool can check it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct
from msgspec.structs import replace

from infra.audit.records import GENESIS
from schemas.checkpoints import CheckpointSigned
from schemas.envelope import Envelope
from schemas.ids import derived_id

SOURCE = "storyreel/auditor"
_KEY_ID_DIGITS = 16

Keys = Mapping[str, Ed25519PublicKey]
"""Public keys by key id."""


class Content(Struct, frozen=True, kw_only=True):
    """What a checkpoint says of the ledger: `root` over all its records, `kept_root` over those of topics kept for ever."""

    first_shard_seq: int
    last_shard_seq: int
    head_hash: bytes
    root: bytes
    kept_events: int
    kept_root: bytes


def key_id(key: Ed25519PublicKey) -> str:
    """Name of a key: the first digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:_KEY_ID_DIGITS]


def text(checkpoint: CheckpointSigned) -> bytes:
    """What the signature covers: every field but the signature, one a line, times in UTC with microseconds."""
    lines = [
        "storyreel checkpoint 1",
        f"shard {checkpoint.shard}",
        f"number {checkpoint.number}",
        f"time {checkpoint.envelope.occurred_at.isoformat(timespec='microseconds')}",
        f"records {checkpoint.first_shard_seq} {checkpoint.last_shard_seq}",
        f"head {checkpoint.head_hash.hex()}",
        f"root {checkpoint.root.hex()}",
        f"kept {checkpoint.kept_events} {checkpoint.kept_root.hex()}",
        *(f"partition {p.topic} {p.partition} {p.partition_seq} {p.offset}" for p in checkpoint.partitions),
        f"previous {checkpoint.previous.hex()}",
        f"key {checkpoint.key_id}",
    ]
    return ("\n".join(lines) + "\n").encode()


def digest(checkpoint: CheckpointSigned) -> bytes:
    """What the next checkpoint has as `previous`: SHA-256 of the text and the signature."""
    return hashlib.sha256(text(checkpoint) + checkpoint.signature).digest()


def envelope_of(shard: int, number: int, last_shard_seq: int, occurred_at: datetime) -> Envelope:
    """The envelope of a checkpoint; all but the time follows from its numbers."""
    return Envelope(
        event_id=derived_id("checkpoint", str(shard), str(number)),
        aggregate_id=str(shard),
        sequence=number,
        occurred_at=occurred_at,
        causation_id=derived_id("ledger", str(shard), str(last_shard_seq)),
    )


def sign(checkpoint: CheckpointSigned, key: Ed25519PrivateKey) -> CheckpointSigned:
    """The checkpoint with key id and signature."""
    named = replace(checkpoint, key_id=key_id(key.public_key()), signature=b"")
    return replace(named, signature=key.sign(text(named)))


def previous_of(checkpoint: CheckpointSigned | None) -> bytes:
    """The `previous` of the checkpoint that follows this one."""
    return GENESIS if checkpoint is None else digest(checkpoint)


def trouble(checkpoint: CheckpointSigned, before: CheckpointSigned | None, keys: Keys) -> str | None:
    """What is wrong with a checkpoint by itself and after the one before it; None if nothing is."""
    shard, number = checkpoint.shard, 1 if before is None else before.number + 1
    first = 1 if before is None else before.last_shard_seq + 1
    wanted = envelope_of(shard, checkpoint.number, checkpoint.last_shard_seq, checkpoint.envelope.occurred_at)
    key = keys.get(checkpoint.key_id)
    if key is None:
        return f"it is signed with the key {checkpoint.key_id!r}, which is not one of {', '.join(keys) or 'none'}"
    try:
        key.verify(checkpoint.signature, text(checkpoint))
    except InvalidSignature:
        return f"the signature of {checkpoint.key_id} does not fit: the checkpoint was changed or forged"
    if checkpoint.envelope != wanted:
        return "its envelope does not belong to it"
    if checkpoint.number != number:
        return f"it is number {checkpoint.number} where {number} must follow"
    if checkpoint.previous != previous_of(before):
        return f"it does not follow number {number - 1} as that is now"
    if checkpoint.first_shard_seq != first or checkpoint.last_shard_seq < first:
        return f"it covers {checkpoint.first_shard_seq} to {checkpoint.last_shard_seq} where {first} must follow"
    return None
