"""The checker's part of a run: wait until all is quiet, collect the evidence, judge it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from schemas.topics import HEARTBEATS
from tests.faults.checker import Poison, Violation, examine
from tests.faults.checker.collect import collect
from tests.faults.checker.quiet import NotQuietError, wait_quiet
from tests.faults.checker.records import Logged
from tests.faults.harness.arena import Arena
from tests.faults.harness.journal import Poison as Injected
from tests.faults.harness.load.book import Book

QUIET_S = 120.0
GRACE_S = 86_400.0  # files of attempts that died after their upload are named by no event; nothing collects them yet


class Checked(Struct, kw_only=True):
    """What was found; `ledger` is everything the coordinators wrote, in order."""

    violations: list[Violation]
    checked: Counter[str]
    ledger: list[Logged]
    quiet_s: float | None


async def judge(arena: Arena, book: Book) -> Checked:
    """Wait for rest, at most two minutes, then check every invariant. Raises when the system cannot be looked at."""
    found: list[Violation] = []
    quiet_s: float | None = None
    try:
        quiet_s = await wait_quiet(arena.settings, QUIET_S, list(book.tasks))
    except NotQuietError as error:
        found.append(Violation(invariant="I7", message=str(error)))
    poison = arena.journal.poison
    folder = arena.data / "evidence"
    folder.mkdir(exist_ok=True)
    evidence = await collect(
        arena.settings,
        folder,
        accepted=book.accepted,
        replies=book.replies,
        poison=[Poison(topic=p.topic, partition=p.partition, offset=p.offset) for p in poison],
        quiet_s=quiet_s,
        bound_s=QUIET_S,
        grace_s=GRACE_S,
    )
    findings = examine(evidence)
    found += [violation for violation in findings.violations if not _is_stale_beat(violation, poison)]
    return Checked(violations=found, checked=findings.checked, ledger=list(evidence.log.ledger()), quiet_s=quiet_s)


def _is_stale_beat(violation: Violation, poison: Sequence[Injected]) -> bool:
    """Heartbeats are worth something for seconds: a bad one is skipped and logged, it becomes no dead letter."""
    injected = {(p.topic, p.partition, p.offset) for p in poison if p.topic == HEARTBEATS.name}
    places = {(event.topic, event.partition, event.offset) for event in violation.events}
    return violation.invariant == "I8" and bool(places) and places <= injected
