"""The archive: Avro object container files that any Avro tool reads and from which every record is restored byte by byte.

A file holds the records of one schema: place, key, headers and, as the last field, the body under the schema it was
written with. The body's bytes are copied, not encoded anew; `size` counts them, so that they can be cut out again.
Records that cannot be read lie in files of kind "raw" with their whole value. Container format: Apache Avro 1.12.
"""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import fastavro
import fastavro.schema

from infra.export.entry import Decoder, Entry, Headers, schema_id_of
from schemas.errors import ContractError, StoreError
from schemas.serde import HEADER

RAW = "raw"
BLOCK_BYTES = 256 * 1024
_SYNC_BYTES = 16
_FEW_IDS = 2000  # a registry with more serves others too, whose ids cannot be had again
_HEADER = {
    "type": "record",
    "name": "Header",
    "namespace": "storyreel.archive",
    "fields": [{"name": "name", "type": "string"}, {"name": "value", "type": ["null", "bytes"]}],
}
_PLACE: list[dict[str, Any]] = [
    {"name": "offset", "type": "long"},
    {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "key", "type": ["null", "bytes"]},
    {"name": "headers", "type": {"type": "array", "items": _HEADER}},
    {"name": "schema_id", "type": ["null", "long"]},
    {"name": "size", "type": "long"},
]
_WHOLE = ["null", "bytes"]


def entry_schema(body: Any) -> dict[str, Any]:
    """The schema of a file whose bodies are of the schema `body`."""
    fields = [*_PLACE, {"name": "body", "type": body}]
    return {"type": "record", "name": "Entry", "namespace": "storyreel.archive", "fields": fields}


def _head_schema() -> Any:
    head = entry_schema("null")
    fields = [field for field in head["fields"] if field["name"] != "body"]
    fields[1] = fields[1] | {"type": "long"}  # the number itself, without a detour over a date
    return fastavro.parse_schema(head | {"fields": fields})


_HEAD = _head_schema()
_WHOLE_PARSED = fastavro.parse_schema(_WHOLE)


class Archive:
    """`.avro` files, deflated."""

    name = "avro"
    suffix = ".avro"

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._kinds: dict[int, str] = {}

    def kind_of(self, entry: Entry) -> str:
        """The record's name and schema id: a file has one schema."""
        schema_id = schema_id_of(entry.value)
        try:
            record = self._decoder.decode(entry)
        except ContractError:
            return RAW
        assert schema_id is not None, "what was decoded is framed"
        return self._kinds.setdefault(schema_id, f"{type(record).__name__}-{schema_id}")

    def open(self, path: Path, first: Entry) -> _Writer:
        """Begin a file for records of the kind of `first`."""
        raw = self.kind_of(first) == RAW
        schema = _WHOLE if raw else json.loads(self._decoder.schema_of(schema_id_of(first.value) or 0))
        meta = {"storyreel.topic": first.topic, "storyreel.partition": str(first.partition)}
        return _Writer(path.open("wb"), schema, meta, raw=raw)

    def schemas(self) -> dict[int, str]:
        """The schemas that bodies were written with so far, and ours with lower ids: registered in order, all get theirs."""
        last = max(self._kinds, default=0)
        wanted = range(1, last + 1) if last <= _FEW_IDS else sorted(self._kinds)
        found = {schema_id: self._decoder.own_schema(schema_id) for schema_id in wanted}
        return {schema_id: text for schema_id, text in found.items() if text is not None}


class _Writer:
    def __init__(self, out: IO[bytes], schema: Any, meta: dict[str, str], *, raw: bool) -> None:
        self._out = out
        self._raw = raw
        self._sync = os.urandom(_SYNC_BYTES)
        self._block = io.BytesIO()
        self._count = 0
        texts = {"avro.schema": json.dumps(entry_schema(schema), ensure_ascii=False), "avro.codec": "deflate"} | meta
        out.write(b"Obj\x01")
        encoded = {name: text.encode() for name, text in texts.items()}
        fastavro.schemaless_writer(out, {"type": "map", "values": "bytes"}, encoded)
        out.write(self._sync)

    def write(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            body = _whole(entry.value) if self._raw else (entry.value or b"")[HEADER.size :]
            head = {
                "offset": entry.offset,
                "timestamp": entry.timestamp,
                "key": entry.key,
                "headers": [{"name": name, "value": value} for name, value in entry.headers],
                "schema_id": None if self._raw else schema_id_of(entry.value),
                "size": len(body),
            }
            fastavro.schemaless_writer(self._block, _HEAD, head)
            self._block.write(body)
            self._count += 1
            if self._block.tell() >= BLOCK_BYTES:
                self._flush()

    def close(self) -> None:
        self._flush()
        self._out.close()

    def _flush(self) -> None:
        if not self._count:
            return
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = packer.compress(self._block.getvalue()) + packer.flush()
        for number in (self._count, len(packed)):
            fastavro.schemaless_writer(self._out, "long", number)
        self._out.write(packed + self._sync)
        self._block, self._count = io.BytesIO(), 0


def _whole(value: bytes | None) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, _WHOLE_PARSED, value)
    return out.getvalue()


def read_entries(path: Path) -> Iterator[Entry]:
    """The records of a file as they were on Kafka, in order. Raises `StoreError` naming the file when it is damaged."""
    try:
        with path.open("rb") as source:
            yield from _entries(source)
    except (ValueError, EOFError, KeyError, IndexError, zlib.error, StopIteration) as error:
        raise StoreError(f"{path} is damaged: {error!r}") from error


def _entries(source: IO[bytes]) -> Iterator[Entry]:
    reader = fastavro.block_reader(source)
    topic, partition = reader.metadata["storyreel.topic"], int(reader.metadata["storyreel.partition"])
    block: Any
    for block in reader:
        for _ in range(block.num_records):
            head: Any = fastavro.schemaless_reader(block.bytes_, _HEAD, None)
            body = block.bytes_.read(head["size"])
            if len(body) != head["size"]:
                raise EOFError(f"offset {head['offset']} is cut short")
            headers: Headers = tuple((header["name"], header["value"]) for header in head["headers"])
            yield Entry(
                topic=topic,
                partition=partition,
                offset=head["offset"],
                timestamp=head["timestamp"],
                key=head["key"],
                value=_value(body, head["schema_id"]),
                headers=headers,
            )


def _value(body: bytes, schema_id: int | None) -> bytes | None:
    if schema_id is not None:
        return HEADER.pack(0, schema_id) + body
    whole: Any = fastavro.schemaless_reader(io.BytesIO(body), _WHOLE_PARSED, None)
    return None if whole is None else bytes(whole)
