"""The story of a task, an account, a character or a request: the records that belong to it, in order, with their causes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from infra.audit.events import Raw
from schemas.entities import CharacterRegistered
from schemas.envelope import LedgerRecord, Record
from schemas.requests import Request
from schemas.tasks import TaskQueued, TaskRejected
from schemas.topics import (
    ASSETS,
    CHARACTERS,
    DECISIONS,
    OPERATOR_ACTS,
    QUOTAS,
    RENDER_COMMANDS,
    REPORTS,
    REQUESTS,
    STORYBOARDS,
    TASKS,
    USERS,
    WEBHOOKS,
    TopicSpec,
)

FIRST: tuple[TopicSpec, ...] = (TASKS, CHARACTERS)
"""Read before the others: they tell which tasks belong to an account, a character or a request."""
THEN: tuple[TopicSpec, ...] = (
    REQUESTS,
    DECISIONS,
    QUOTAS,
    USERS,
    ASSETS,
    STORYBOARDS,
    WEBHOOKS,
    OPERATOR_ACTS,
    RENDER_COMMANDS,
    REPORTS,
)

Kind = Literal["task", "account", "character", "correlation"]


class Told(Struct, frozen=True):
    """A record of the story."""

    raw: Raw
    record: Record

    @property
    def order(self) -> tuple[datetime, int]:
        """By time; records of the ledger by their number."""
        stamp = self.record.stamp if isinstance(self.record, LedgerRecord) else None
        return self.record.envelope.occurred_at, stamp.shard_seq if stamp else 0


class Line(Struct, frozen=True, kw_only=True):
    """A record in its place: lines count from 1, `because` is the line of its cause (0 = not part of the story)."""

    number: int
    depth: int
    because: int
    told: Told


class Subject:
    """Tells what belongs to the story. Records of `FIRST` must be shown to it before the others, each topic in order."""

    def __init__(self, kind: Kind, id_: str) -> None:
        self._kind = kind
        self._id = id_
        self._tasks: dict[str, str] = {id_: ""} if kind == "task" else {}

    def account_of(self, record: Record) -> str:
        """Whose record it is: reports of devices name no account, but their tasks have one."""
        return record.envelope.account_id or self._tasks.get(getattr(record, "task_id", ""), "")

    def has(self, record: Record) -> bool:
        """Whether the record belongs to the story."""
        task_ids = _task_ids(record)
        wanted = self._is_about(record) or any(task_id in self._tasks for task_id in task_ids)
        if wanted and isinstance(record, TaskQueued | TaskRejected | CharacterRegistered):
            self._tasks[record.task_id] = record.envelope.account_id
        return wanted

    def _is_about(self, record: Record) -> bool:
        match self._kind:
            case "account":
                asked_by = record.request.asked_by if isinstance(record, Request) else getattr(record, "asked_by", "")
                return self._id in (record.envelope.account_id, asked_by)
            case "character":
                named = (getattr(record, "character_id", ""), getattr(record, "entity_id", ""))
                return self._id in (*named, *getattr(record, "character_ids", ()))
            case "correlation":
                return record.envelope.correlation_id == self._id
            case "task":
                return False


def _task_ids(record: Record) -> Sequence[str]:
    if isinstance(record, Request):
        return (record.request.task_id, record.request.retry_of)
    return (getattr(record, "task_id", ""), getattr(record, "retry_of", ""), getattr(record, "cached_from", ""))


def lines(story: Sequence[Told]) -> Iterator[Line]:
    """The records by time, every cause before what it led to, however the clocks of the hosts differ."""
    by_id = {told.record.envelope.event_id: told for told in story if told.record.envelope.event_id}
    placed: dict[int, Line] = {}
    count = 0
    for told in sorted(story, key=lambda one: one.order):
        for one in reversed(list(_with_causes(told, by_id))):
            if id(one) in placed:
                continue
            count += 1
            cause = by_id.get(one.record.envelope.causation_id)
            because = placed.get(id(cause)) if cause is not None else None
            line = Line(
                number=count,
                depth=because.depth + 1 if because else 0,
                because=because.number if because else 0,
                told=one,
            )
            placed[id(one)] = line
            yield line


def _with_causes(told: Told, by_id: dict[str, Told]) -> Iterator[Told]:
    """The record, its cause, the cause of that; a ring of false causes ends where it closes."""
    met: set[int] = set()
    now: Told | None = told
    while now is not None and id(now) not in met:
        met.add(id(now))
        yield now
        now = by_id.get(now.record.envelope.causation_id)


def fields_of(record: Record) -> dict[str, Any]:
    """What the record says of its own, without what it says nothing about; times and bytes stay as they are."""
    plain = msgspec.to_builtins(record, builtin_types=(bytes, datetime))
    plain |= plain.pop("request", {})
    empty = msgspec.to_builtins(type(record)(), builtin_types=(bytes, datetime))
    empty |= empty.pop("request", {})
    hidden = ("envelope", "stamp")
    return {name: value for name, value in plain.items() if name not in hidden and value != empty.get(name)}
