"""Avro schemas of the typed records. `python -m schemas.derive` writes the `.avsc` files, a test compares both.

Rules of the mapping (Avro 1.12): str string, int long, float double, bool boolean, bytes bytes, datetime
timestamp-micros, StrEnum enum with its first member as default symbol, Struct record, list array, `X | None` union with
null first. Every field has a default, no type is recursive: both keep every pair of versions compatible.
"""

from __future__ import annotations

import json
import types
import typing
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from schemas.envelope import Record
from schemas.errors import ContractError
from schemas.history import HISTORY_DIR, release, to_release, versions
from schemas.topics import TOPIC_OF

NAMESPACE = "storyreel"
AVRO_DIR = Path(__file__).parent / "avro"
_PRIMITIVES: dict[type, tuple[Any, Any]] = {
    str: ("string", ""),
    int: ("long", 0),
    float: ("double", 0.0),
    bool: ("boolean", False),
    bytes: ("bytes", ""),
    datetime: ({"type": "long", "logicalType": "timestamp-micros"}, 0),
}


def avro_schema(record: type[Struct], seen: set[str] | None = None) -> dict[str, Any] | str:
    """The Avro schema of a record class; a type met before in the same schema is referred to by its full name."""
    seen = set() if seen is None else seen
    full_name = f"{NAMESPACE}.{record.__name__}"
    if full_name in seen:
        return full_name
    seen.add(full_name)
    hints = typing.get_type_hints(record)
    fields = []
    for field in msgspec.structs.fields(record):
        kind, _ = _type_of(hints[field.name], seen)
        fields.append({"name": field.name, "type": kind, "default": _default_of(hints[field.name])})
    doc = " ".join((record.__doc__ or "").split())
    return {"type": "record", "name": record.__name__, "namespace": NAMESPACE, "doc": doc, "fields": fields}


def _type_of(hint: Any, seen: set[str]) -> tuple[Any, bool]:
    if hint in _PRIMITIVES:
        return _PRIMITIVES[hint][0], False
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = next(arg for arg in args if arg is not type(None))
        return ["null", _type_of(inner, seen)[0]], True
    if origin is list:
        return {"type": "array", "items": _type_of(args[0], seen)[0]}, False
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _enum_of(hint, seen), False
    if isinstance(hint, type) and issubclass(hint, Struct):
        return avro_schema(hint, seen), False
    raise TypeError(f"no Avro type for {hint!r}")


def _enum_of(enum: type[StrEnum], seen: set[str]) -> Any:
    full_name = f"{NAMESPACE}.{enum.__name__}"
    if full_name in seen:
        return full_name
    seen.add(full_name)
    symbols = [member.value for member in enum]
    return {"type": "enum", "name": enum.__name__, "namespace": NAMESPACE, "symbols": symbols, "default": symbols[0]}


def _default_of(hint: Any) -> Any:
    if hint in _PRIMITIVES:
        return _PRIMITIVES[hint][1]
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        return None
    if origin is list:
        return []
    if issubclass(hint, StrEnum):
        return next(iter(hint)).value
    hints = typing.get_type_hints(hint)
    return {field.name: _default_of(hints[field.name]) for field in msgspec.structs.fields(hint)}


def avsc_path(record: type[Record]) -> Path:
    """Where the stored schema of a record lies."""
    return AVRO_DIR / f"{record.__name__}.avsc"


def render_avsc(record: type[Record]) -> str:
    """The text of a record's `.avsc` file."""
    return json.dumps(avro_schema(record), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every `.avsc` file and add what changed to the history; nothing is written when a change is incompatible.

    A version that was never committed may be deleted from `schemas/history` by hand and derived again.
    """
    texts = {record: render_avsc(record) for record in TOPIC_OF}
    try:
        new = [to_release(record.__name__, text, versions(record.__name__)) for record, text in texts.items()]
    except ContractError as error:
        raise SystemExit(f"nothing was written: {error}") from error
    for record, text in texts.items():
        avsc_path(record).write_text(text, encoding="utf-8")
    for version in filter(None, new):
        release(version)
        print(f"{version.record}: version {version.number} is new in {HISTORY_DIR}")
    print(f"{len(TOPIC_OF)} schemas in {AVRO_DIR}")


if __name__ == "__main__":
    main()
