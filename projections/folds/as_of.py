"""What was true at an earlier time: the fold of the events up to then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import get_args

import msgspec
from msgspec.structs import replace

from projections.folds.quotas import LimitChangeRow, LimitRow, UsageChangeRow, UsageRow
from projections.folds.task_events import TaskEventRow
from projections.folds.task_rows import TaskRow
from projections.folds.tasks import apply_task
from schemas.envelope import Envelope, Stamp
from schemas.tasks import AnyTaskEvent, StageCompleted

_KINDS = {kind.__name__: kind for kind in get_args(AnyTaskEvent)}


def task_as_of(current: TaskRow, history: Iterable[TaskEventRow], at: datetime) -> TaskRow | None:
    """The task at that time, None before it was there. `history` holds its events, oldest first; later ones do not matter.

    A history keeps no ciphertext: what was asked for never changes and is taken from `current`, as are stages' results.
    """
    row: TaskRow | None = None
    ended: set[str] = set()
    for item in history:
        if item.occurred_at > at:
            break
        event = _event(item)
        row = apply_task(row, event)
        if isinstance(event, StageCompleted):
            ended.add(event.stage_id)
    if row is None:
        return None
    results = {stage_id: sealed for stage_id, sealed in current.results.items() if stage_id in ended}
    return replace(row, sealed=current.sealed, body_hash=current.body_hash, results=results)


def _event(row: TaskEventRow) -> AnyTaskEvent:
    event: AnyTaskEvent = msgspec.json.decode(row.detail, type=_KINDS[row.type])
    envelope = Envelope(
        aggregate_id=row.task_id, sequence=row.sequence, account_id=row.account_id, occurred_at=row.occurred_at
    )
    stamp = Stamp(shard_seq=row.shard_seq, account_seq=row.account_seq)
    return replace(event, task_id=row.task_id, envelope=envelope, stamp=stamp)


def usage_as_of(history: Iterable[UsageChangeRow], at: datetime) -> list[UsageRow]:
    """Use per resource and day at that time, newest day first. `history` is in the order of the log."""
    found: dict[tuple[str, str, str], UsageRow] = {}
    for change in history:
        if change.occurred_at <= at:
            found[change.account_id, change.resource, change.day] = UsageRow(
                account_id=change.account_id,
                resource=change.resource,
                day=change.day,
                used=change.used,
                reserved=change.reserved,
                shard_seq=change.shard_seq,
            )
    by_resource = sorted(found.values(), key=lambda row: row.resource)
    return sorted(by_resource, key=lambda row: row.day, reverse=True)


def limits_as_of(history: Sequence[LimitChangeRow], at: datetime) -> list[LimitRow]:
    """Limits an administrator had set by that time. `history` is in the order of the log."""
    found: dict[tuple[str, str], LimitRow] = {}
    for change in history:
        if change.occurred_at <= at:
            found[change.account_id, change.resource] = LimitRow(
                account_id=change.account_id, resource=change.resource, limit=change.limit, shard_seq=change.shard_seq
            )
    return list(found.values())
