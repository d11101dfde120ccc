"""Quota: reserve when a task is accepted, commit when it completes, release when it ends in any other way.

Always: sum(reserved) = sum(committed) + sum(released) + open, and used + reserved never exceeds the limit at the time of
the reservation. A reservation belongs to the account's day it was made on (UTC).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace as _replace

from schemas.common import Limits, Problem
from schemas.envelope import LedgerRecord
from schemas.quotas import (
    AnyQuotaEvent,
    QuotaCommitted,
    QuotaEvent,
    QuotaLimitChanged,
    QuotaReleased,
    QuotaReserved,
)
from streams.domain.drafts import draft
from streams.domain.state import Reservation, ShardState, TaskState, Usage

RESOURCES = ("images", "videos")
FORGET_DAYS = 40  # how far back a day without reservations is looked for
B = TypeVar("B", bound=QuotaEvent)


def day_of(now: datetime) -> str:
    """The account's day, "YYYY-MM-DD" in UTC."""
    return f"{now:%Y-%m-%d}"


def daily_limit(limits: Limits, resource: str) -> int:
    """How many of `resource` the account may use a day."""
    return limits.images_per_day if resource == "images" else limits.videos_per_day


def check(state: ShardState, account_id: str, reservation: Reservation) -> Problem | None:
    """Whether the account has room for the reservation; the problem names limit, use and what was asked."""
    usage = state.usage.get((account_id, reservation.resource, reservation.day), Usage())
    limit = daily_limit(state.accounts[account_id].limits, reservation.resource)
    if usage.used + usage.reserved + reservation.amount <= limit:
        return None
    left = max(0, limit - usage.used - usage.reserved)
    detail = f"{reservation.amount} {reservation.resource} asked, {left} of {limit} left on {reservation.day} (UTC)"
    return Problem(type="QuotaExceeded", code="quota_exceeded", detail=detail)


def reserve(state: ShardState, account_id: str, task_id: str, request_id: str, held: Reservation) -> QuotaReserved:
    """Set the amount aside for a task."""
    usage = state.usage.get((account_id, held.resource, held.day), Usage())
    return _booking(QuotaReserved, account_id, task_id, request_id, held, usage.used, usage.reserved + held.amount)


def charge(state: ShardState, account_id: str, task_id: str, request_id: str, held: Reservation) -> list[LedgerRecord]:
    """Set the amount aside and charge it at once, for a task that is done as soon as it is accepted."""
    reserved = reserve(state, account_id, task_id, request_id, held)
    used, left = reserved.used + held.amount, reserved.reserved - held.amount
    return [reserved, _booking(QuotaCommitted, account_id, task_id, request_id, held, used, left)]


def settle(state: ShardState, task: TaskState, *, completed: bool) -> list[LedgerRecord]:
    """Charge the task's reservation or give it back; nothing for tasks without one."""
    held = task.reservation
    if held is None:
        return []
    usage = state.usage.get((task.account_id, held.resource, held.day), Usage())
    used, left = usage.used + (held.amount if completed else 0), usage.reserved - held.amount
    kind: type[QuotaEvent] = QuotaCommitted if completed else QuotaReleased
    return [_booking(kind, task.account_id, task.task_id, task.request_id, held, used, left)]


def _booking(
    kind: type[B], account_id: str, task_id: str, request_id: str, held: Reservation, used: int, reserved: int
) -> B:
    """A movement of what a task holds; `used` and `reserved` are the account's day after it."""
    return draft(
        kind,
        account_id,
        account_id,
        request_id,
        task_id=task_id,
        resource=held.resource,
        day=held.day,
        amount=held.amount,
        used=used,
        reserved=reserved,
    )


def _forget_days(state: ShardState, account_id: str, event: QuotaEvent) -> ShardState:
    """With the first event of a day the days from the second before on are let go, unless a task still holds of them."""
    if (account_id, event.resource, event.day) in state.usage:
        return state
    usage, today = state.usage, date.fromisoformat(event.day)
    for back in range(2, FORGET_DAYS):
        key = (account_id, event.resource, str(today - timedelta(days=back)))
        if key in usage and usage[key].reserved == 0:
            usage = usage.delete(key)
    return _replace(state, usage=usage)


def evolve(state: ShardState, event: AnyQuotaEvent) -> ShardState:
    """Take over the day's sums, or a new limit."""
    account_id = event.envelope.account_id
    if isinstance(event, QuotaLimitChanged):
        account = state.accounts[account_id]
        field = "images_per_day" if event.resource == "images" else "videos_per_day"
        limits = _replace(account.limits, **{field: event.limit})
        return _replace(state, accounts=state.accounts.set(account_id, _replace(account, limits=limits)))
    state = _forget_days(state, account_id, event)
    key = (account_id, event.resource, event.day)
    state = _replace(state, usage=state.usage.set(key, Usage(used=event.used, reserved=event.reserved)))
    task = state.tasks.get(event.task_id)
    if isinstance(event, QuotaReserved) and task is not None:
        held = Reservation(resource=event.resource, amount=event.amount, day=event.day)
        return _replace(state, tasks=state.tasks.set(event.task_id, _replace(task, reservation=held)))
    return state
