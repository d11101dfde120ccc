"""Every version of every schema that was ever released, with sample bytes of it: `schemas/history/RECORD/N.avsc` and `N.bin`.

Files are only added, by `python -m schemas.derive`. Descriptions are no part of a version. A `.bin` file is the SHA-256 of
the schema's parsing canonical form (32 bytes) and the Avro body of `sample`: what must stay readable for ever.
"""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fastavro
import fastavro.schema
from msgspec import Struct

from schemas.errors import ContractError
from schemas.evolution import expanded, full_transitive_breaks

HISTORY_DIR = Path(__file__).parent / "history"
FINGERPRINT_BYTES = 32
_START = datetime(2026, 1, 1, tzinfo=UTC)


class Version(Struct, frozen=True, kw_only=True):
    """One released version of a record's schema, numbered from 1, and its sample bytes."""

    record: str
    number: int
    text: str
    fingerprint: bytes
    body: bytes

    @property
    def schema(self) -> Any:
        """The schema as JSON values."""
        return json.loads(self.text)


def versions(record: str, folder: Path = HISTORY_DIR) -> list[Version]:
    """The versions of a record in order. Raises `ContractError` when one is missing or was changed after its release."""
    found = []
    for number in range(1, len(list((folder / record).glob("*.avsc"))) + 1):
        path = folder / record / f"{number}.avsc"
        if not path.exists() or not path.with_suffix(".bin").exists():
            raise ContractError(f"{record}: version {number} is missing from {folder}")
        text, golden = path.read_text(encoding="utf-8"), path.with_suffix(".bin").read_bytes()
        mark, body = golden[:FINGERPRINT_BYTES], golden[FINGERPRINT_BYTES:]
        if structure_mark(json.loads(text)) != mark:
            raise ContractError(f"{path} is not the schema that was released: versions are added, never changed")
        found.append(Version(record=record, number=number, text=text, fingerprint=mark, body=body))
    return found


def structure(schema: Any) -> Any:
    """The schema without descriptions: what makes two versions different."""
    if isinstance(schema, dict):
        return {key: structure(value) for key, value in schema.items() if key != "doc"}
    return [structure(item) for item in schema] if isinstance(schema, list) else schema


def structure_mark(schema: Any) -> bytes:
    """SHA-256 of the schema's parsing canonical form, the same as in the records' `schema-sha256` header."""
    return hashlib.sha256(fastavro.schema.to_parsing_canonical_form(schema).encode()).digest()


def to_release(record: str, text: str, released: Sequence[Version]) -> Version | None:
    """The version that `text` would be, None if it is the newest one already.

    Raises `ContractError` naming every field for which an older or newer reader would fail.
    """
    schema = json.loads(text)
    if released and structure(released[-1].schema) == structure(schema):
        return None
    number = len(released) + 1
    named = {f"version {version.number}": version.schema for version in released} | {f"version {number}": schema}
    if found := full_transitive_breaks(named):
        raise ContractError(f"{record}: incompatible change: {'; '.join(found)}")
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), sample(expanded(schema)))
    return Version(record=record, number=number, text=text, fingerprint=structure_mark(schema), body=out.getvalue())


def release(version: Version, folder: Path = HISTORY_DIR) -> None:
    """Write the files of a new version. Raises `FileExistsError` rather than replace one."""
    target = folder / version.record
    target.mkdir(parents=True, exist_ok=True)
    with (target / f"{version.number}.avsc").open("x", encoding="utf-8") as out:
        out.write(version.text)
    with (target / f"{version.number}.bin").open("xb") as golden:
        golden.write(version.fingerprint + version.body)


def sample(schema: Any, path: str = "") -> Any:
    """A value of an expanded schema that differs from the default in every field, the same at all times."""
    number = zlib.crc32(path.encode()) % 1000 + 1
    match schema["type"] if isinstance(schema, dict) else schema:
        case [*_, last]:
            return sample(last, path)
        case "record":
            return {field["name"]: sample(field["type"], f"{path}.{field['name']}") for field in schema["fields"]}
        case "array":
            return [sample(schema["items"], f"{path}[0]"), sample(schema["items"], f"{path}[1]")]
        case "enum":
            return schema["symbols"][-1]
        case "long" if isinstance(schema, dict) and schema.get("logicalType") == "timestamp-micros":
            return _START + timedelta(seconds=number, microseconds=number)
        case "long" | "int":
            return number
        case "double" | "float":
            return number / 8
        case "boolean":
            return True
        case "bytes":
            return path.encode()
        case "string":
            return path
        case kind:
            raise ContractError(f"{path}: no sample of {kind}")
