"""Records to bytes and back: Avro bodies in Confluent framing (byte 0, schema id as big-endian int32, body).

Format source: the Confluent wire format and Apache Avro 1.12 binary encoding. The `.avsc` files are the storage truth;
schema ids belong to one registry and come in as a mapping. Sizes are bounded before anything is decoded.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import fastavro
import fastavro.schema
import msgspec

from schemas.derive import NAMESPACE, avsc_path
from schemas.envelope import Record
from schemas.errors import ContractError
from schemas.topics import TOPIC_OF

MAGIC = 0
HEADER = struct.Struct(">bI")
MAX_BODY = 1_500_000  # bytes
_NATIVE = (datetime, bytes)

R = TypeVar("R", bound=Record)
Headers = list[tuple[str, bytes]]


class UnknownSchemaError(ContractError):
    """A schema id this process has not learnt; `schema_id` can be asked of the registry."""

    code = "unknown_schema"

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"schema id {schema_id} is unknown")
        self.schema_id = schema_id


@cache
def schema_text(record: type[Record]) -> str:
    """The stored schema of a record as registered, in one line."""
    return json.dumps(
        json.loads(avsc_path(record).read_text(encoding="utf-8")), separators=(",", ":"), ensure_ascii=False
    )


@cache
def parsed_schema(record: type[Record]) -> Any:
    """The stored schema as fastavro wants it."""
    return fastavro.parse_schema(json.loads(schema_text(record)))


@cache
def fingerprint(record: type[Record]) -> bytes:
    """SHA-256 (32 bytes) of the schema's parsing canonical form."""
    return canonical_fingerprint(json.loads(schema_text(record)))


def canonical_fingerprint(schema: Any) -> bytes:
    """SHA-256 of any schema's parsing canonical form."""
    canonical = fastavro.schema.to_parsing_canonical_form(schema)
    return hashlib.sha256(canonical.encode()).digest()


def subject_of(record: type[Record]) -> str:
    """The registry subject: topic and record name, so that one topic may carry several records."""
    return f"{TOPIC_OF[record].name}-{NAMESPACE}.{record.__name__}"


def encode_body(record: Record) -> bytes:
    """The Avro body alone, what the hash chain covers."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parsed_schema(type(record)), msgspec.to_builtins(record, builtin_types=_NATIVE))
    body = out.getvalue()
    if len(body) > MAX_BODY:
        raise ContractError(f"{type(record).__name__}: body of {len(body)} bytes exceeds {MAX_BODY}")
    return body


def chain_hash(previous: bytes, record: type[Record], body: bytes) -> bytes:
    """The ledger hash of a record: SHA-256(previous hash, schema fingerprint, Avro body)."""
    return hashlib.sha256(previous + fingerprint(record) + body).digest()


class Codec:
    """Encodes and decodes records under the schema ids of one registry."""

    def __init__(self, ids: Mapping[str, int]) -> None:
        """`ids` maps record names ("TaskQueued") to registry ids; raises `ContractError` when one is missing."""
        missing = [record.__name__ for record in TOPIC_OF if record.__name__ not in ids]
        if missing:
            raise ContractError(f"no schema id for {', '.join(missing)}")
        self._ids: dict[type[Record], int] = {record: ids[record.__name__] for record in TOPIC_OF}
        self._writers: dict[int, tuple[type[Record], Any]] = {i: (r, None) for r, i in self._ids.items()}
        self._fingerprints: dict[int, bytes] = {}

    def learn(self, schema_id: int, schema: str) -> None:
        """Take up an older or newer version of a known record, as the registry stores it under `schema_id`."""
        parsed = json.loads(schema)
        names = {record.__name__: record for record in TOPIC_OF}
        record = names.get(str(parsed.get("name", "")).rpartition(".")[2])
        if record is None or parsed.get("type") != "record":
            raise ContractError(f"schema id {schema_id} is no record of ours")
        self._writers[schema_id] = (record, fastavro.parse_schema(parsed))
        self._fingerprints[schema_id] = canonical_fingerprint(parsed)

    def frame(self, record: type[Record], body: bytes) -> bytes:
        """Put a body into Confluent framing."""
        return HEADER.pack(MAGIC, self._ids[record]) + body

    def encode(self, record: Record) -> bytes:
        """The record's value bytes on its topic."""
        return self.frame(type(record), encode_body(record))

    def headers(self, record: Record, source: str) -> Headers:
        """CloudEvents attributes (Kafka protocol binding, binary mode), W3C trace context and schema fingerprint.

        The trace id is the correlation id, the span id the start of the event id: one request is one trace.
        """
        envelope = record.envelope
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", envelope.event_id.encode()),
            ("ce_type", f"{NAMESPACE}.{type(record).__name__}".encode()),
            ("ce_source", source.encode()),
            ("ce_time", envelope.occurred_at.isoformat().encode()),
            ("content-type", b"application/vnd.apache.avro"),
            ("schema-sha256", fingerprint(type(record)).hex().encode()),
        ]
        trace, span = envelope.correlation_id.replace("-", ""), envelope.event_id.replace("-", "")[-16:]
        if len(trace) == 32 and len(span) == 16:
            headers.append(("traceparent", f"00-{trace}-{span}-01".encode()))
        return headers

    def decode(self, value: bytes | None, topic: str | None = None) -> Record:
        """Value bytes to a record. Raises `ContractError` for bad framing, size, body, or a record foreign to `topic`."""
        if value is None or len(value) < HEADER.size:
            raise ContractError("value is shorter than the Confluent framing")
        if len(value) > MAX_BODY + HEADER.size:
            raise ContractError(f"value of {len(value)} bytes exceeds {MAX_BODY}")
        magic, schema_id = HEADER.unpack_from(value)
        if magic != MAGIC:
            raise ContractError(f"magic byte {magic} is not {MAGIC}")
        if schema_id not in self._writers:
            raise UnknownSchemaError(schema_id)
        record, writer = self._writers[schema_id]
        if topic is not None and TOPIC_OF[record].name != topic:
            raise ContractError(f"{record.__name__} does not belong on topic {topic}")
        return _decode_body(record, writer, value)

    def ledger_hash(self, previous: bytes, value: bytes) -> bytes:
        """The ledger hash of a record as it lies on its topic: of the schema it was written with, today's or another."""
        return hashlib.sha256(previous + self.written_with(value) + value[HEADER.size :]).digest()

    def written_with(self, value: bytes) -> bytes:
        """Fingerprint of the schema that a framed record was written with. Raises `UnknownSchemaError`."""
        _, schema_id = HEADER.unpack_from(value)
        if schema_id not in self._writers:
            raise UnknownSchemaError(schema_id)
        return self._fingerprints.get(schema_id) or fingerprint(self._writers[schema_id][0])

    def decode_as(self, value: bytes | None, kind: type[R]) -> R:
        """Decode and insist on one record class."""
        record = self.decode(value)
        if not isinstance(record, kind):
            raise ContractError(f"{type(record).__name__} is not a {kind.__name__}")
        return record


def _decode_body(record: type[Record], writer: Any, value: bytes) -> Record:
    source = io.BytesIO(value)
    source.seek(HEADER.size)
    reader_schema = parsed_schema(record)
    try:
        data = fastavro.schemaless_reader(source, writer or reader_schema, reader_schema if writer else None)
        decoded = msgspec.convert(data, record, builtin_types=_NATIVE)
    except Exception as error:
        raise ContractError(f"{record.__name__}: undecodable body: {type(error).__name__}: {error}") from error
    if source.tell() != len(value):
        raise ContractError(f"{record.__name__}: {len(value) - source.tell()} bytes left over after the body")
    return decoded


def header_map(headers: Sequence[tuple[str, bytes]]) -> dict[str, str]:
    """Headers as text, undecodable bytes replaced."""
    return {name: value.decode("utf-8", "replace") for name, value in headers}
