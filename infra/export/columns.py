"""Records as flat rows for tables: where they lie, envelope and stamp, then the fields of every record of the topic.

One topic is one table. A column of a field holds null in rows of records that do not have it.
"""

from __future__ import annotations

import json
import typing
from datetime import UTC, datetime
from typing import Any

import msgspec

from infra.export.entry import Entry
from schemas.envelope import Envelope, LedgerRecord, Record, Stamp
from schemas.errors import ContractError
from schemas.topics import TopicSpec

NATIVE = (bytes, datetime)
PLACE: dict[str, Any] = {
    "kafka_topic": str,
    "kafka_partition": int,
    "kafka_offset": int,
    "kafka_timestamp": datetime,
    "kafka_key": str,
    "record": str,
}
UNREADABLE: dict[str, Any] = {"undecodable": str, "kafka_value": bytes, "kafka_headers": str}


def columns_of(topic: TopicSpec) -> dict[str, Any]:
    """Names and Python types of the topic's columns, in order. Raises `ContractError` when a name has two meanings."""
    columns = dict(PLACE)
    if topic.records:
        columns |= _hints(Envelope)
    if any(issubclass(record, LedgerRecord) for record in topic.records):
        columns |= _hints(Stamp)
    shared = set(columns) | set(UNREADABLE)
    for record in topic.records:
        for name, hint in _hints(record).items():
            if name in ("envelope", "stamp"):
                continue
            if name in shared or _without_none(columns.get(name, hint)) != _without_none(hint):
                raise ContractError(f"{topic.name}: the column {name} of {record.__name__} has two meanings")
            columns.setdefault(name, hint)
    return columns | UNREADABLE


def row_of(entry: Entry, record: Record | None, reason: str = "") -> dict[str, Any]:
    """One row. Without a `record` it holds the bytes, the headers as a JSON object, and why they could not be read."""
    row: dict[str, Any] = {
        "kafka_topic": entry.topic,
        "kafka_partition": entry.partition,
        "kafka_offset": entry.offset,
        "kafka_timestamp": datetime.fromtimestamp(entry.timestamp / 1000, UTC),
        "kafka_key": None if entry.key is None else entry.key.decode("utf-8", "replace"),
    }
    if record is None:
        headers = {name: None if value is None else value.decode("utf-8", "replace") for name, value in entry.headers}
        texts = {"undecodable": reason, "kafka_headers": json.dumps(headers, ensure_ascii=False)}
        return row | texts | {"kafka_value": entry.value}
    fields = msgspec.to_builtins(record, builtin_types=NATIVE)
    row["record"] = type(record).__name__
    row |= fields.pop("envelope")
    row |= fields.pop("stamp", {})
    row |= fields
    return row


def _hints(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in msgspec.structs.fields(kind)}


def _without_none(hint: Any) -> Any:
    args = typing.get_args(hint)
    return next(arg for arg in args if arg is not type(None)) if type(None) in args else hint
