"""What a window of consecutive events says about rows, without having seen the events before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args

from msgspec import Struct
from msgspec.structs import replace

from projections.folds.quotas import LimitRow, UsageRow, apply_limit, apply_usage
from projections.folds.task_rows import TaskRow
from projections.folds.tasks import apply_task
from projections.row_store import Key
from schemas.envelope import LedgerRecord
from schemas.errors import ContractError
from schemas.quotas import AnyQuotaEvent, QuotaLimitChanged
from schemas.tasks import AnyTaskEvent

Row = TypeVar("Row", bound=Struct)


class Expected(Struct, frozen=True, kw_only=True):
    """A row as the window leaves it; `row` is None when its beginning lies before the window. `shard_seq` of its last event."""

    shard_seq: int
    row: Any = None


Window = Mapping[Key, Expected]


def tasks_of(events: Sequence[LedgerRecord]) -> dict[Key, Expected]:
    """Tasks; whole ones where the window holds their first event. Results have a table of their own."""
    found: dict[Key, Expected] = {}
    for event in events:
        if not isinstance(event, AnyTaskEvent):
            continue
        before = found.get((event.task_id,))
        found[event.task_id,] = _task_after(before, event)
    return found


def _task_after(before: Expected | None, event: AnyTaskEvent) -> Expected:
    known = before.row is not None if before else event.envelope.sequence == 1
    if not known:
        return Expected(shard_seq=event.stamp.shard_seq)
    row: TaskRow | None = before.row if before else None
    try:
        row = replace(apply_task(row, event), results={})
    except ContractError:
        return before or Expected(shard_seq=0)  # refused live as well: it changed no row
    return Expected(shard_seq=row.shard_seq, row=row)


def usage_of(events: Sequence[LedgerRecord]) -> dict[Key, Expected]:
    """Use a day: each booking states the sums after it, so the last one says all."""
    bookings = [e for e in events if isinstance(e, get_args(AnyQuotaEvent)) and not isinstance(e, QuotaLimitChanged)]
    rows = (apply_usage(None, event) for event in bookings)
    return _last(rows, lambda row: (row.account_id, row.resource, row.day))


def limits_of(events: Sequence[LedgerRecord]) -> dict[Key, Expected]:
    """Limits: the last change says all."""
    rows = (apply_limit(None, event) for event in events if isinstance(event, QuotaLimitChanged))
    return _last(rows, lambda row: (row.account_id, row.resource))


def _last(rows: Iterable[Any], key: Callable[[Any], Key]) -> dict[Key, Expected]:
    return {key(row): Expected(shard_seq=row.shard_seq, row=row) for row in rows}


def drifted(window: Window, stored: Mapping[Key, TaskRow | UsageRow | LimitRow]) -> dict[Key, list[str]]:
    """Rows that cannot be what the log says, with the columns that show it; ["missing"] for a row that is not there.

    A row that holds later events than the window is no witness. Rows must have been read after the window was applied.
    """
    found: dict[Key, list[str]] = {}
    for key, expected in window.items():
        row = stored.get(key)
        if row is None:
            found[key] = ["missing"] if expected.shard_seq else []
        elif row.shard_seq < expected.shard_seq:
            found[key] = ["shard_seq"]
        elif row.shard_seq == expected.shard_seq and expected.row is not None:
            found[key] = [name for name in row.__struct_fields__ if getattr(row, name) != getattr(expected.row, name)]
    return {key: columns for key, columns in found.items() if columns}
