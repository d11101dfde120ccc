"""I2: quota as the log tells it, added up independently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from schemas.common import TaskKind
from schemas.entities import UserRegistered
from schemas.envelope import LedgerRecord
from schemas.quotas import QuotaCommitted, QuotaEvent, QuotaLimitChanged, QuotaReleased, QuotaReserved
from schemas.tasks import TaskCompleted, TaskQueued
from tests.faults.simulation.lives import TERMINAL, Lives

KINDS = {TaskKind.IMAGE: "images", TaskKind.VIDEO: "videos"}


@dataclass
class Held:
    """One task's reservation and how it was settled."""

    resource: str
    day: str
    amount: int
    settled: str = ""


class Books:
    """Used and reserved by account, resource and day."""

    def __init__(self, fail: Callable[[str], None], cached_charge: int) -> None:
        self._fail = fail
        self._cached_charge = cached_charge
        self._cached: set[str] = set()
        self._limits: dict[tuple[str, str], int] = {}
        self._used: dict[tuple[str, str, str], int] = {}
        self._reserved: dict[tuple[str, str, str], int] = {}
        self._held: dict[str, Held] = {}
        self._owed: dict[str, tuple[str, int]] = {}
        self._touched: set[str] = set()

    def fold(self, event: LedgerRecord, now: datetime) -> None:
        """Add one event; `now` is the time of its decision."""
        account = event.envelope.account_id
        match event:
            case UserRegistered():
                self._limits[account, "images"] = event.limits.images_per_day
                self._limits[account, "videos"] = event.limits.videos_per_day
            case QuotaLimitChanged():
                self._limits[account, event.resource] = event.limit
            case TaskQueued() if event.kind in KINDS:
                amount = len(event.stages) if event.kind is TaskKind.IMAGE else 1
                self._owed[event.task_id] = (KINDS[event.kind], amount)
                self._touched.add(event.task_id)
            case TaskCompleted() if event.cached:
                resource, _ = self._owed.get(event.task_id, ("images", 0))
                self._owed[event.task_id] = (resource, len(event.outputs) if resource == "images" else 1)
                self._cached.add(event.task_id)
                self._touched.add(event.task_id)
            case QuotaEvent():
                self._touched.add(event.task_id)
                self._move(event, (account, event.resource, event.day), now)
            case _ if isinstance(event, TERMINAL):
                self._touched.add(event.task_id)

    def _move(self, event: QuotaEvent, key: tuple[str, str, str], now: datetime) -> None:
        used, reserved = self._used.get(key, 0), self._reserved.get(key, 0)
        held = self._held.get(event.task_id)
        if isinstance(event, QuotaReserved):
            reserved += event.amount
            if held is not None:
                self._fail(f"I2 {event.task_id} reserves twice")
            if used + reserved > self._limits.get(key[:2], 0):
                self._fail(f"I2 {key} reserves {used + reserved} of {self._limits.get(key[:2], 0)}")
            if event.day != f"{now:%Y-%m-%d}" or self._owed.get(event.task_id) != (event.resource, event.amount):
                self._fail(f"I2 {event.task_id} reserves {event.amount} {event.resource} on {event.day}")
            self._held[event.task_id] = Held(event.resource, event.day, event.amount)
        else:
            reserved -= event.amount
            used += event.amount if isinstance(event, QuotaCommitted) else 0
            if held is None or held.settled or (held.resource, held.day, held.amount) != (*key[1:], event.amount):
                self._fail(f"I2 {event.task_id} settles what it does not hold")
            else:
                held.settled = "released" if isinstance(event, QuotaReleased) else "committed"
        self._used[key], self._reserved[key] = used, reserved
        if reserved < 0 or (event.used, event.reserved) != (used, reserved):
            self._fail(f"I2 {key} says {event.used}+{event.reserved}, the sum is {used}+{reserved}")

    def between_transactions(self, lives: Lives) -> None:
        """What every transaction must leave in balance: open tasks hold, completed ones are charged, others are not."""
        for task_id in sorted(self._touched):
            held, status = self._held.get(task_id), lives.tasks[task_id].status if task_id in lives.tasks else "none"
            if task_id in self._cached and not self._cached_charge:
                if held is not None:
                    self._fail(f"I2 {task_id} is cached and free but reserved {held.amount}")
                continue
            settled = {"completed": "committed", "cancelled": "released", "failed": "released", "expired": "released"}
            if held is None or held.settled != settled.get(status, ""):
                what = held.settled or "open" if held is not None else "missing"
                self._fail(f"I2 {task_id} is {status} but its reservation is {what}")
        self._touched.clear()

    def at_the_end(self) -> None:
        """Nothing stays reserved."""
        for key, reserved in self._reserved.items():
            if reserved:
                self._fail(f"I2 {key} keeps {reserved} reserved for nobody")
