"""Answers about an earlier time: `as_of` in a query."""

from __future__ import annotations

from datetime import datetime

from api.deps import Deps
from api.errors import ApiError, invalid, unavailable
from api.rules import BadField
from projections.folds.as_of import task_as_of
from projections.folds.task_rows import TaskRow


def parse_as_of(text: str | None, now: datetime) -> datetime | None:
    """The time that is asked about, None for now. Raises `ApiError` 400 for no RFC 3339 time, or one that is to come."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(BadField("as_of", "date_time")) from None
    if at.tzinfo is None:
        raise invalid(BadField("as_of", "date_time"))
    if at > now:
        raise invalid(BadField("as_of", "maximum", {"limit": now.isoformat()}))
    return at


async def task_at(deps: Deps, row: TaskRow, at: datetime) -> TaskRow:
    """The task as it was. Raises `ApiError` 404 when it was not there yet, 503 when its history is not up to date."""
    history = await deps.reads.task_events(row.account_id, row.task_id, 0)
    if history is None:
        raise unavailable("the history is not up to date yet")
    found = task_as_of(row, history, at)
    if found is None:
        raise ApiError("not_found")
    return found
