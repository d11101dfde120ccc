"""The pure coordinator under a seeded in-memory log: offsets, redelivery, aborted transactions, owner change, lost devices."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from schemas.envelope import LedgerRecord
from streams.domain import decider
from streams.domain.evolve import evolve as product_evolve
from tests.faults.simulation.checker import Checker
from tests.faults.simulation.owner import Decide, Evolve, Fold, FollowUp, Rules
from tests.faults.simulation.world import World

__all__ = ["Report", "simulate"]
FROM_BYTES = 8  # every so many seeds the last fold reads bytes, which takes as long as the rest


class Report(Struct, frozen=True, kw_only=True):
    """One history: its events as committed, the faults that were injected and every broken invariant.

    `aborted` transactions never became visible, `fenced` ones of them were those of owners that had been replaced.
    """

    seed: int
    requests: int
    events: list[LedgerRecord]
    faults: list[str]
    aborted: int
    fenced: int
    violations: list[str]


def simulate(
    seed: int,
    *,
    requests: int = 50,
    faults: int = 10,
    decide: Decide = decider.decide,
    evolve: Evolve = product_evolve,
    follow_ups: Sequence[FollowUp] = decider.RULES,
) -> Report:
    """Play the history of `seed` with at least that many requests and faults, drain it, check what was committed.

    The same seed gives the same history where PYTHONHASHSEED is the same, as sets of words keep no order of their own.
    """
    rules = Rules(decide=decide, evolve=evolve, follow_ups=follow_ups)
    world = World(seed, rules, requests, faults)
    violations: list[str] = []
    try:
        if stuck := world.run():
            violations.append(stuck)
    except Exception as error:
        violations.append(f"{type(error).__name__} in decide or evolve: {error}")
    checker = Checker(world.log)
    violations += checker.check(drained=not violations)
    if not violations:
        violations += _fold_differs(seed, world)
    events = [entry.record for entry in world.log.entries]
    return Report(
        seed=seed,
        requests=len(world.log.requests),
        events=events,
        faults=world.faults,
        aborted=world.log.aborted,
        fenced=world.log.fenced,
        violations=violations,
    )


def _fold_differs(seed: int, world: World) -> list[str]:
    assert world.owner is not None
    fold = Fold(world.rules)
    fold.catch_up(world.log, from_bytes=seed % FROM_BYTES == 0)
    if fold.state != world.owner.state:
        return ["I6 the state folded from zero differs from the owner's"]
    return [] if fold.heads.prev_hash == world.owner.heads.prev_hash else ["I6 the chain ends differ"]
