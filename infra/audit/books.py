"""Quota: what is reserved is committed or released exactly once, and the sums in the events add up."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

from infra.audit.chain import TERMINAL
from infra.audit.events import Event, Findings
from schemas.common import TaskKind
from schemas.entities import UserRegistered
from schemas.quotas import QuotaCommitted, QuotaEvent, QuotaLimitChanged, QuotaReserved
from schemas.tasks import TaskCompleted, TaskEvent, TaskQueued

METERED = frozenset({TaskKind.IMAGE, TaskKind.VIDEO})
_REMEMBERED = 100_000  # days of accounts without open reservations, and tasks with taken results
_OLD = timedelta(days=3)

Key = tuple[str, str, str]
"""Account, resource, day."""


@dataclass(slots=True)
class Sums:
    """Of one account, resource and day."""

    used: int = 0
    reserved: int = 0


@dataclass(slots=True)
class Bill:
    """A task's reservation; `due` is what its end calls for, "" while it runs."""

    key: Key
    amount: int
    due: str = ""
    end: Event | None = None


class Books:
    """Folds quota and task events. `partial`: reservations may have been made by records that were not read."""

    def __init__(self, found: Findings, *, partial: bool) -> None:
        self._found = found
        self._partial = partial
        self._sums: OrderedDict[Key, Sums] = OrderedDict()
        self._limits: dict[tuple[str, str], int] = {}
        self._bills: dict[str, Bill] = {}
        self._running: dict[str, bool] = {}
        self._taken: OrderedDict[str, None] = OrderedDict()

    def fold(self, event: Event) -> None:
        """Check and take over one event."""
        record = event.record
        account = record.envelope.account_id
        match record:
            case UserRegistered():
                self._limits[account, "images"] = record.limits.images_per_day
                self._limits[account, "videos"] = record.limits.videos_per_day
            case QuotaLimitChanged():
                self._limits[account, record.resource] = record.limit
            case QuotaEvent():
                self._move(event, record, (account, record.resource, record.day))
            case TaskQueued():
                self._running[record.task_id] = record.kind in METERED
            case TaskEvent() if isinstance(record, TERMINAL):
                self._end(event, record)

    def _move(self, event: Event, quota: QuotaEvent, key: Key) -> None:
        sums = self._sums.get(key)
        known = sums is not None or not self._partial
        sums = sums or Sums()
        if isinstance(quota, QuotaReserved):
            sums.reserved += quota.amount
            self._reserve(event, quota, key)
        else:
            sums.reserved -= quota.amount
            sums.used += quota.amount if isinstance(quota, QuotaCommitted) else 0
            self._settle(event, quota, key)
        if known and (quota.used, quota.reserved) != (sums.used, sums.reserved):
            text = f"it says used {quota.used}, reserved {quota.reserved}, but {sums.used} and {sums.reserved} add up"
            self._found.about(event, "quota", text)
        if quota.reserved < 0 or quota.used < 0 or quota.amount < 0:
            self._found.about(event, "quota", f"amount {quota.amount}, used {quota.used}, reserved {quota.reserved}")
        self._sums[key] = Sums(quota.used, quota.reserved)
        self._sums.move_to_end(key)
        self._forget(event)

    def _reserve(self, event: Event, quota: QuotaReserved, key: Key) -> None:
        task_id, cached = quota.task_id, quota.task_id in self._taken
        if task_id in self._bills:
            self._found.about(event, "quota", f"task {task_id} reserves twice")
        if task_id not in self._running and not cached and not self._partial:
            self._found.about(event, "quota", f"a reservation for task {task_id}, which does not run")
        limit = self._limits.get(key[:2])
        if limit is not None and quota.used + quota.reserved > limit:
            self._found.about(event, "quota", f"{quota.used + quota.reserved} of {limit} {quota.resource} a day")
        self._bills[task_id] = Bill(key, quota.amount, "committed" if cached else "")
        self._taken.pop(task_id, None)

    def _settle(self, event: Event, quota: QuotaEvent, key: Key) -> None:
        how = "committed" if isinstance(quota, QuotaCommitted) else "released"
        bill = self._bills.pop(quota.task_id, None)
        if bill is None:
            if not self._partial:
                text = f"task {quota.task_id}: {quota.amount} {quota.resource} {how} without an open reservation"
                self._found.about(event, "quota", text)
            return
        if bill.due != how:
            due = f"its end calls for {bill.due}" if bill.due else "it has not ended"
            self._found.about(event, "quota", f"task {quota.task_id}: {how}, but {due}")
        if (bill.key, bill.amount) != (key, quota.amount):
            self._found.about(event, "quota", f"task {quota.task_id}: {how} is not what was reserved")

    def _end(self, event: Event, task: TaskEvent) -> None:
        metered = self._running.pop(task.task_id, False)
        bill = self._bills.get(task.task_id)
        cached = isinstance(task, TaskCompleted) and task.cached
        if bill is not None:
            bill.due, bill.end = "committed" if isinstance(task, TaskCompleted) else "released", event
        elif cached:
            self._taken[task.task_id] = None  # it may cost something all the same, right afterwards
            if len(self._taken) > _REMEMBERED:
                self._taken.popitem(last=False)
        elif metered:
            self._found.about(event, "quota", f"task {task.task_id} ends without a reservation")

    def finish(self) -> None:
        """There are no more events: whatever ended was settled in the same transaction."""
        for task_id, bill in self._bills.items():
            if bill.end is not None:
                self._found.about(bill.end, "quota", f"the reservation of task {task_id} is never {bill.due}")

    def _forget(self, event: Event) -> None:
        """Let go of old days without open reservations, so that memory does not grow with the log."""
        if len(self._sums) <= _REMEMBERED:
            return
        old = (event.occurred_at - _OLD).date().isoformat()
        for key in [key for key, sums in self._sums.items() if key[2] < old and sums.reserved == 0]:
            del self._sums[key]
