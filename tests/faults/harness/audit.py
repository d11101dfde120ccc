"""Judging what clients saw, beside what the checker finds in the log: the invariant "C"."""

from __future__ import annotations

from collections import defaultdict

from schemas.common import Tier
from streams.domain.policy import TIER_LIMITS
from tests.faults.checker.violations import INVARIANTS, Violation
from tests.faults.harness.load.book import Book
from tests.faults.harness.load.client import Client

CLIENTS = "C"
NAMES = INVARIANTS | {CLIENTS: "no client saw what must never be seen"}


def audit(book: Book, clients: list[Client], troubles: list[str]) -> list[Violation]:
    """Violations clients could notice, and parts that did not come back (I7)."""
    found = [Violation(invariant=CLIENTS, message=breach) for breach in book.breaches]
    found += [
        _client(f"key {key} made the tasks {', '.join(sorted(ids))}")
        for (_, key), ids in book.of_key.items()
        if len(ids) > 1
    ]
    for task in book.tasks.values():
        if task.stopped and task.status != "cancelled":
            found.append(_client(f"task {task.task_id} was being cancelled and ended as {task.status or 'nothing'}"))
    found += [_client(text) for text in _overdrawn(book, clients)]
    return found + [Violation(invariant="I7", message=trouble) for trouble in troubles]


def _overdrawn(book: Book, clients: list[Client]) -> list[str]:
    """Accounts of races that got more than their day allows, or less although nothing was given back."""
    limit = TIER_LIMITS[Tier.FREE].images_per_day
    by_account: dict[str, list[str]] = defaultdict(list)
    for task in book.tasks.values():
        by_account[task.account_id].append(task.status)
    found = []
    for account in (client.account_id for client in clients if client.tier == Tier.FREE):
        statuses = by_account[account]
        kept = sum(status not in {"failed", "cancelled"} for status in statuses)
        if kept > limit or (kept == len(statuses) and kept < limit):
            found.append(f"account {account} may have {limit} pictures and got {kept}")
    return found


def _client(message: str) -> Violation:
    return Violation(invariant=CLIENTS, message=message)
