"""I2: quota as the log tells it, added up independently of what the events claim."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.common import TaskKind
from schemas.entities import UserRegistered
from schemas.envelope import LedgerRecord
from schemas.quotas import QuotaCommitted, QuotaEvent, QuotaLimitChanged, QuotaReserved
from schemas.tasks import TaskCompleted, TaskEvent, TaskQueued
from streams.ledger import TERMINAL
from tests.faults.checker.evidence import UsageKey
from tests.faults.checker.records import Logged
from tests.faults.checker.violations import EventRef, Findings

METERED = {TaskKind.IMAGE, TaskKind.VIDEO}
USAGE_TABLE = "quota_usage "


@dataclass(slots=True)
class Sums:
    """Of one account, resource and day."""

    reserved: int = 0
    committed: int = 0
    released: int = 0

    @property
    def open(self) -> int:
        """What is set aside and not settled."""
        return self.reserved - self.committed - self.released


@dataclass(slots=True)
class Bill:
    """A task's reservation, and what its end calls for: "committed", "released" or "" while it runs."""

    key: UsageKey
    amount: int
    event: EventRef
    due: str = ""


class Books:
    """Folds quota and task events; `usage` are the sums."""

    def __init__(self, findings: Findings) -> None:
        self.usage: dict[UsageKey, Sums] = {}
        self._fail = findings
        self._limits: dict[tuple[str, str], int] = {}
        self._bills: dict[str, Bill] = {}
        self._running: dict[str, bool] = {}
        self._settled: dict[str, str] = {}
        self._cached: set[str] = set()

    def fold(self, logged: Logged, record: LedgerRecord) -> None:
        """Add one event."""
        account = record.envelope.account_id
        match record:
            case UserRegistered():
                self._limits[account, "images"] = record.limits.images_per_day
                self._limits[account, "videos"] = record.limits.videos_per_day
            case QuotaLimitChanged():
                self._limits[account, record.resource] = record.limit
            case QuotaEvent():
                self._fail.checked["I2"] += 1
                self._move(logged, record, (account, record.resource, record.day))
            case TaskQueued():
                self._running[record.task_id] = record.kind in METERED
            case TaskEvent() if isinstance(record, TERMINAL):
                self._end(logged, record)

    def _move(self, logged: Logged, event: QuotaEvent, key: UsageKey) -> None:
        sums = self.usage.setdefault(key, Sums())
        if isinstance(event, QuotaReserved):
            self._reserve(logged, event, key, sums)
        else:
            self._settle(logged, event, key, sums)
        if sums.open < 0:
            self._fail.add("I2", f"{_named(key)}: {-sums.open} more settled than reserved", logged.ref)
        if (event.used, event.reserved) != (sums.committed, sums.open):
            text = f"the event says used {event.used}, reserved {event.reserved}; the log adds up to"
            self._fail.add("I2", f"{_named(key)}: {text} {sums.committed} and {sums.open}", logged.ref)

    def _reserve(self, logged: Logged, event: QuotaReserved, key: UsageKey, sums: Sums) -> None:
        sums.reserved += event.amount
        before = self._bills.get(event.task_id)
        if before is not None or event.task_id in self._settled:
            text = f"task {event.task_id} reserves twice"
            self._fail.add("I2", text, before.event if before else None, logged.ref)
        cached = event.task_id in self._cached
        if event.task_id not in self._running and not cached:
            self._fail.add("I2", f"{event.amount} {event.resource} are reserved for no running task", logged.ref)
        if event.amount < 0:
            self._fail.add("I2", f"a reservation of {event.amount}", logged.ref)
        limit = self._limits.get(key[:2], 0)
        if sums.committed + sums.open > limit:
            text = f"{_named(key)}: the balance falls to {limit - sums.committed - sums.open}"
            self._fail.add("I2", text, logged.ref)
        self._bills[event.task_id] = Bill(key, event.amount, logged.ref, "committed" if cached else "")
        self._cached.discard(event.task_id)

    def _settle(self, logged: Logged, event: QuotaEvent, key: UsageKey, sums: Sums) -> None:
        how = "committed" if isinstance(event, QuotaCommitted) else "released"
        sums.committed += event.amount if how == "committed" else 0
        sums.released += event.amount if how == "released" else 0
        bill = self._bills.get(event.task_id)
        if bill is None:
            before = self._settled.get(event.task_id)
            text = f"which it {before} before" if before else "which it never reserved"
            self._fail.add("I2", f"task {event.task_id}: {event.amount} {event.resource} {how}, {text}", logged.ref)
            return
        if bill.due != how:
            due = f"its end calls for {bill.due}" if bill.due else "it has not ended"
            self._fail.add("I2", f"task {event.task_id}: {how}, but {due}", bill.event, logged.ref)
        if (bill.key, bill.amount) != (key, event.amount):
            text = (
                f"task {event.task_id}: {event.amount} of {_named(key)} {how}, {bill.amount} of {_named(bill.key)} held"
            )
            self._fail.add("I2", text, bill.event, logged.ref)
        del self._bills[event.task_id]
        self._settled[event.task_id] = how

    def _end(self, logged: Logged, event: TaskEvent) -> None:
        metered = self._running.pop(event.task_id, False)
        completed = isinstance(event, TaskCompleted)
        bill = self._bills.get(event.task_id)
        if bill is not None:
            bill.due = "committed" if completed else "released"
        elif isinstance(event, TaskCompleted) and event.cached:
            self._cached.add(event.task_id)  # it may cost something all the same, right afterwards
        elif metered:
            self._fail.add("I2", f"task {event.task_id} ends without a reservation", logged.ref)

    def finish(self, live: Iterable[str] | None, coordinator: Mapping[UsageKey, tuple[int, int]] | None) -> None:
        """Nothing is open any more; read model and coordinator show the same sums."""
        for task_id, bill in self._bills.items():
            state = "ended but was not settled" if bill.due else "is still held"
            self._fail.add("I2", f"the reservation of task {task_id} {state}", bill.event)
        if live is not None:
            rows = (json.loads(line.removeprefix(USAGE_TABLE)) for line in live if line.startswith(USAGE_TABLE))
            held = {(r["account_id"], r["resource"], r["day"]): (r["used"], r["reserved"]) for r in rows}
            self._compare("the read model quota_usage", held, forgets=False)
        if coordinator is not None:
            self._compare("the coordinator", coordinator, forgets=True)

    def _compare(self, who: str, held: Mapping[UsageKey, tuple[int, int]], *, forgets: bool) -> None:
        for key in sorted(self.usage.keys() | held.keys()):
            self._fail.checked["I2"] += 1
            sums = self.usage.get(key, Sums())
            found = held.get(key)
            if found is None and forgets and sums.open == 0:
                continue  # days without reservations are let go
            if found != (sums.committed, sums.open):
                shown = f"{found[0]} used, {found[1]} reserved" if found else "nothing"
                text = f"{who} shows {shown} for {_named(key)}, the log {sums.committed} used, {sums.open} reserved"
                self._fail.add("I2", text)


def _named(key: UsageKey) -> str:
    account, resource, day = key
    return f"{resource} of {account} on {day}"
