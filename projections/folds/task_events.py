"""Task events as rows of a history: what clients resume a stream from."""

from __future__ import annotations

import typing
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from msgspec import Raw, Struct

from schemas.envelope import EPOCH
from schemas.tasks import AnyTaskEvent

_PRIVATE = frozenset({"envelope", "stamp", "task_id", "sealed", "body_hash", "reuse_hash", "passed"})


_SCALARS = (str, int, bool, float, datetime)


class TaskEventRow(Struct, frozen=True, kw_only=True):
    """One event. `account_seq` is the public id in an account's stream; `detail` is a JSON object without ciphertext,
    hashes and other accounts' tasks.
    """

    task_id: str
    sequence: int
    account_id: str = ""
    account_seq: int = 0
    shard_seq: int = 0
    type: str = ""
    occurred_at: datetime = EPOCH
    detail: Raw = Raw(b"{}")


def task_event_row(event: AnyTaskEvent) -> TaskEventRow:
    """The row of one event."""
    return TaskEventRow(
        task_id=event.task_id,
        sequence=event.envelope.sequence,
        account_id=event.envelope.account_id,
        account_seq=event.stamp.account_seq,
        shard_seq=event.stamp.shard_seq,
        type=type(event).__name__,
        occurred_at=event.envelope.occurred_at,
        detail=Raw(msgspec.json.encode(_clear(event))),
    )


def _clear(value: Any) -> Any:
    """Structs as objects without their private fields, at every depth."""
    if isinstance(value, Struct):
        return {
            name: _clear(found) if (found := getattr(value, name)) and nested else found
            for name, nested in _public(type(value))
        }
    if isinstance(value, list):
        return [_clear(item) for item in value]
    return value


@cache
def _public(kind: type[Struct]) -> tuple[tuple[str, bool], ...]:
    """The fields to show, each with whether structs may be inside."""
    hints = typing.get_type_hints(kind)
    return tuple((name, hints[name] not in _SCALARS) for name in kind.__struct_fields__ if name not in _PRIVATE)
