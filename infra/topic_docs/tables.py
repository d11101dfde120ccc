"""Tables of topics and records, read from the contracts."""

from __future__ import annotations

import types
import typing
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from infra.topic_docs.meanings import meaning
from schemas.common import Artifact, FieldError, FilmPlan, Limits, Problem, StagePlan
from schemas.entities import EngineInfo
from schemas.envelope import Envelope, LedgerRecord, Record, Stamp
from schemas.requests import RequestInfo
from schemas.snapshots import PartitionHead, SnapshotRef
from schemas.tasks import PassedOver
from schemas.topics import DAY, HOUR, TopicSpec

PARTS: tuple[type[Struct], ...] = (
    Envelope,
    Stamp,
    RequestInfo,
    PassedOver,
    StagePlan,
    FilmPlan,
    Artifact,
    Problem,
    FieldError,
    Limits,
    EngineInfo,
    PartitionHead,
    SnapshotRef,
)
KEYS = {
    "requests": "account id",
    "decisions": "request id",
    "tasks": "task id",
    "quotas": "account id",
    "users": "account id",
    "characters": "character id",
    "assets": "asset id",
    "storyboards": "storyboard id",
    "webhooks": "webhook id",
    "devices": "device id",
    "render.commands": "device id",
    "snapshots": "shard",
    "checkpoints": "shard",
    "operator.acts": "subject",
    "reports": "device id",
    "heartbeats": "device id",
    "progress": "task id",
    "dead.letters": "see below",
}
PARTITIONS = {"shards": "one a shard", "slots": "one a device slot", "one": "1"}
_NAMES = {str: "string", int: "long", float: "double", bool: "boolean", bytes: "bytes", datetime: "timestamp-micros"}
_SHARED = {"envelope", "stamp", "request"}


def topic_table(topics: typing.Iterable[TopicSpec]) -> str:
    """One row a topic."""
    lines = ["| topic | key | partitions | kept | writer | records |", "| --- | --- | --- | --- | --- | --- |"]
    for topic in topics:
        records = ", ".join(f"[{r.__name__}](#{r.__name__.lower()})" for r in topic.records) or "any, as it was"
        cells = (KEYS[topic.name], PARTITIONS[topic.partitions], kept(topic), topic.writer, records)
        lines.append(f"| `{topic.name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def kept(topic: TopicSpec) -> str:
    """How long records stay, in words."""
    if topic.compact:
        return "the last of each key"
    if topic.retention_ms is None:
        return "for ever"
    number, unit = (
        (topic.retention_ms // DAY, "day") if topic.retention_ms >= DAY else (topic.retention_ms // HOUR, "hour")
    )
    return f"{number} {unit}{'' if number == 1 else 's'}"


def record_section(record: type[Struct]) -> str:
    """Heading, meaning and fields of a record or of a part."""
    lines = [f"### {record.__name__}", "", " ".join((record.__doc__ or "").split()), ""]
    if issubclass(record, Record):
        shared = ["envelope"] + (["stamp"] if issubclass(record, LedgerRecord) else [])
        shared += ["request"] if "request" in record.__struct_fields__ else []
        lines += [f"Carries {' and '.join(f'[{name}](#{_ANCHORS[name]})' for name in shared)}.", ""]
    rows = field_rows(record)
    if rows:
        lines += ["| field | type | meaning |", "| --- | --- | --- |", *rows, ""]
    return "\n".join(lines)


_ANCHORS = {"envelope": "envelope", "stamp": "stamp", "request": "requestinfo"}


def field_rows(record: type[Struct]) -> list[str]:
    """One row a field of its own; what every record carries is described once."""
    hints = typing.get_type_hints(record)
    names = [field.name for field in msgspec.structs.fields(record)]
    own = [name for name in names if not (issubclass(record, Record) and name in _SHARED)]
    return [f"| `{name}` | {type_name(hints[name])} | {meaning(record.__name__, name)} |" for name in own]


def type_name(hint: Any) -> str:
    """A type in Avro's words; parts are linked."""
    if hint in _NAMES:
        return _NAMES[hint]
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return f"null or {type_name(next(a for a in args if a is not type(None)))}"
    if origin is list:
        return f"array of {type_name(args[0])}"
    if issubclass(hint, StrEnum):
        return "enum"
    return f"[{hint.__name__}](#{hint.__name__.lower()})"
