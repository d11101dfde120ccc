"""What can be said about one record by itself: its bytes, headers, key and place against its own content.

The ledger hash covers the schema's fingerprint and the body. Key, headers and partition are not hashed, but all of them
follow from the body, so they are compared with it; only Kafka's timestamp is nobody's evidence and is not used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from infra.audit.events import ONLY, Event, Findings, Raw, Shard
from schemas.envelope import LedgerRecord, Record
from schemas.errors import ContractError
from schemas.ids import derived_id
from schemas.render import LeaseGranted, LeaseRevoked
from schemas.serde import HEADER, Codec, Headers, UnknownSchemaError, fingerprint
from schemas.topics import BY_NAME

SOURCE = "storyreel/coordinator"
GENESIS = bytes(32)  # what the first record of a shard has for the hash of its predecessor
FINGERPRINT = "schema-sha256"

Learn = Callable[[UnknownSchemaError], None]
"""Teaches the codec a schema id; raises `ContractError` when nobody knows it."""


def refuse(unknown: UnknownSchemaError) -> None:
    """Who cannot ask a registry."""
    raise unknown


class Records:
    """Turns bytes into events and names what does not fit. `shard` is the one that is audited.

    Partitions of device slots are shared: what another shard wrote there is passed over, its own audit judges it.
    """

    def __init__(self, found: Findings, codec: Codec, shard: Shard = ONLY, learn: Learn = refuse) -> None:
        self._found = found
        self._codec = codec
        self._shard = shard
        self._learn = learn
        self._nobodys: set[int] = set()

    def event(self, raw: Raw) -> Event | None:
        """The event; None when its place in the ledger cannot be believed. Everything that is wrong has become a finding."""
        try:
            record = self._decoded(raw)
        except UnknownSchemaError as error:
            self._found.about(raw, "schema", str(error))
            return None
        except ContractError as error:
            self._found.about(raw, "bytes", str(error))
            return None
        if not isinstance(record, LedgerRecord):
            self._found.about(raw, "bytes", f"{type(record).__name__} is no record of the ledger")
            return None
        if self._anothers(raw, record):
            return None
        value = raw.value or b""
        written_with = self._codec.written_with(value)
        digest = hashlib.sha256(record.stamp.prev_hash + written_with + value[HEADER.size :]).digest()
        event = Event(raw, record, digest, record.stamp.shard_seq)
        self._outside(event, written_with)
        return event if self._identity(event) else None

    def _decoded(self, raw: Raw) -> object:
        try:
            return self._codec.decode(raw.value, raw.topic)
        except UnknownSchemaError as unknown:
            if unknown.schema_id in self._nobodys:
                raise
            try:
                self._learn(unknown)
            except ContractError:
                self._nobodys.add(unknown.schema_id)
                raise unknown from None
            return self._codec.decode(raw.value, raw.topic)

    def _anothers(self, raw: Raw, record: LedgerRecord) -> bool:
        named = record.stamp.shard
        return BY_NAME[raw.topic].partitions == "slots" and named != self._shard.number and 0 <= named < self._shard.of

    def _identity(self, event: Event) -> bool:
        """Whether number and id belong together: a false number must not disturb the order of all others."""
        stamp, envelope = event.record.stamp, event.record.envelope
        if stamp.shard != self._shard.number:
            self._found.about(event, "identity", f"it names shard {stamp.shard}, not {self._shard.number}")
            return False
        if envelope.event_id != derived_id("ledger", str(stamp.shard), str(stamp.shard_seq)):
            self._found.about(event, "identity", f"event_id {envelope.event_id} is not that of its shard_seq")
            return False
        return True

    def _outside(self, event: Event, written_with: bytes) -> None:
        """Key, headers and partition follow from the body."""
        raw, record = event.raw, event.record
        if raw.key != record.envelope.aggregate_id.encode():
            self._found.about(event, "key", f"the key is not the aggregate {record.envelope.aggregate_id}")
        wanted = expected_headers(self._codec, record, SOURCE, written_with)
        if list(raw.headers) != wanted:
            self._found.about(event, "header", differences(raw, wanted))
        slots = BY_NAME[raw.topic].partitions == "slots"
        partition = self._shard.number if not slots else raw.partition
        if isinstance(record, LeaseGranted | LeaseRevoked):
            partition = record.slot
        if raw.partition != partition:
            self._found.about(event, "partition", f"it belongs in partition {partition}")


def expected_headers(codec: Codec, record: Record, source: str, written_with: bytes) -> Headers:
    """The headers that a record of ours has on the log."""
    made = codec.headers(record, source)
    if written_with == fingerprint(type(record)):
        return made
    return [(name, written_with.hex().encode() if name == FINGERPRINT else value) for name, value in made]


def differences(raw: Raw, wanted: Headers) -> str:
    """In words, how the headers differ from those that are wanted."""
    found, expected = dict(raw.headers), dict(wanted)
    wrong = [name for name in expected if name in found and found[name] != expected[name]]
    missing = [name for name in expected if name not in found]
    foreign = [name for name in found if name not in expected]
    parts = [f"{', '.join(wrong)} not as the body says"] if wrong else []
    parts += [f"{', '.join(missing)} missing"] if missing else []
    parts += [f"{', '.join(map(ascii, foreign))} foreign"] if foreign else []
    return "; ".join(parts) or "in another order, or one of them twice"
