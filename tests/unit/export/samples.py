"""Records of the log as an export meets them, without a log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from infra.export.entry import Decoder, Entry
from infra.export.parts import Format, Parts
from infra.settings import Settings
from schemas.envelope import Envelope, Record, Stamp
from schemas.errors import ContractError
from schemas.serde import Codec, UnknownSchemaError, schema_text
from schemas.tasks import TaskCompleted, TaskQueued
from schemas.topics import TOPIC_OF

CODEC = Codec({record.__name__: number for number, record in enumerate(TOPIC_OF, start=1)})
TEXTS = {number: schema_text(record) for number, record in enumerate(TOPIC_OF, start=1)}
NOON = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp() * 1000)
DAY = 86_400_000


class Offline(Decoder):
    """A decoder that knows today's schemas and has no registry to ask."""

    def __init__(self) -> None:
        super().__init__(CODEC, Settings())

    def decode(self, entry: Entry) -> Record:
        try:
            return CODEC.decode(entry.value, entry.topic)
        except UnknownSchemaError as error:
            raise ContractError(str(error)) from error

    def schema_of(self, schema_id: int) -> str:
        return TEXTS[schema_id]


def entry(record: Record, offset: int, timestamp: int = NOON) -> Entry:
    """The record as it would lie on its topic."""
    return Entry(
        topic=TOPIC_OF[type(record)].name,
        partition=0,
        offset=offset,
        timestamp=timestamp,
        key=record.envelope.aggregate_id.encode(),
        value=CODEC.encode(record),
        headers=tuple(CODEC.headers(record, "test")),
    )


def queued(number: int) -> TaskQueued:
    """A task's first event."""
    return TaskQueued(
        envelope=Envelope(
            event_id=f"e{number}", aggregate_id=f"t{number}", sequence=1, account_id="a", correlation_id="c"
        ),
        stamp=Stamp(shard_seq=number, partition_seq=number, prev_hash=bytes(32)),
        task_id=f"t{number}",
        sealed=b"\x00\xff" * number,
    )


def completed(number: int) -> TaskCompleted:
    """A task's last event."""
    return TaskCompleted(envelope=Envelope(aggregate_id=f"t{number}", sequence=2), task_id=f"t{number}", cached=True)


def written(folder: Path, made_by: Format, entries: Sequence[Entry]) -> list[Path]:
    """The files that a commit of these records leaves."""
    parts = Parts(folder, made_by)
    parts.add(entries)
    return [folder / file.path for file in parts.finish()]


def query(sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query that DuckDB answers."""
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()
