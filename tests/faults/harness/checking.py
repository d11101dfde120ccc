"""The checker's part of a run: wait until all is quiet, collect the evidence, judge it."""

from __future__ import annotations

import secrets
from collections import Counter

from msgspec import Struct

from infra.collection import delete_garbage, find_garbage
from infra.object_store import create_object_store
from tests.faults.checker import Poison, Violation, examine
from tests.faults.checker.collect import collect
from tests.faults.checker.quiet import NotQuietError, wait_quiet
from tests.faults.checker.records import Logged
from tests.faults.harness.arena import Arena
from tests.faults.harness.load.book import Book
from tests.faults.harness.proofs import Proofs, prove

QUIET_S = 120.0


class Checked(Struct, kw_only=True):
    """What was found; `ledger` is everything the coordinators wrote, in order, `collected` counts removed objects."""

    violations: list[Violation]
    checked: Counter[str]
    ledger: list[Logged]
    quiet_s: float | None
    collected: int
    proofs: Proofs


async def judge(arena: Arena, book: Book) -> Checked:
    """Wait for rest, at most two minutes, then check every invariant. Raises when the system cannot be looked at."""
    found: list[Violation] = []
    quiet_s: float | None = None
    try:
        quiet_s = await wait_quiet(arena.settings, QUIET_S, list(book.tasks))
    except NotQuietError as error:
        found.append(Violation(invariant="I7", message=str(error)))
    collected = await _collect_garbage(arena)
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
        grace_s=0.0,
    )
    findings = examine(evidence)
    found += findings.violations
    proofs, unproven = await prove(arena.settings, poison)
    found += unproven
    return Checked(
        violations=found,
        checked=findings.checked,
        ledger=list(evidence.log.ledger()),
        quiet_s=quiet_s,
        collected=collected,
        proofs=proofs,
    )


async def _collect_garbage(arena: Arena) -> int:
    """Remove what died attempts left in the store: afterwards no object may be there that nobody names."""
    store = create_object_store(arena.settings, secrets.token_bytes(32))
    return await delete_garbage(store, await find_garbage(arena.settings, store, 0.0), 0.0)
