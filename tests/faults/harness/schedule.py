"""Which faults come in which order: pure, from the seed alone, so that a seed replays a run."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from infra.crash_points import POINTS

KILL, CRASH = "kill", "crash-point"
VICTIMS = (
    "api",
    "coordinator:ready",
    "coordinator:standby",
    "read-models:0",
    "read-models:1",
    "device:0",
    "device:1",
    "render-child:0",
    "render-child:1",
)
STOPPED = ("device:0", "device:1", "coordinator:ready", "coordinator:standby")
RESTARTED = (
    "api",
    "coordinator:ready",
    "coordinator:standby",
    "read-models:0",
    "read-models:1",
    "device:0",
    "device:1",
)
POISONED = ("requests", "reports", "heartbeats", "progress", "decisions", "render.commands", "tasks")
OTHERS = (
    "stop",
    "rolling-restart",
    "broker-kill",
    "postgres-restart",
    "postgres-terminate",
    "postgres-loss",
    "store-errors",
    "store-slow",
    "store-truncated",
    "store-full",
    "disk-full",
    "duplicates",
    "reordered",
    "same-key",
    "quota-race",
    "poison",
)
OUTAGE = "broker-outage"
FAULTS = (KILL, CRASH, *OTHERS, OUTAGE)
DEADLY = frozenset({KILL, CRASH, "broker-kill", OUTAGE})
OUTAGE_S = 60.0
LONG_RUN = 100  # kills from which on the long outage belongs to the run
OUTAGE_AFTER = 30  # kills


class Fault(Struct, frozen=True, kw_only=True):
    """One fault. `pause` and `lasts` in seconds, before it and until it is healed; `seed` is for its own choices."""

    number: int
    kind: str
    target: str = ""
    pause: float = 0.0
    lasts: float = 0.0
    seed: int = 0

    @property
    def deadly(self) -> bool:
        """Whether it counts as a kill."""
        return self.kind in DEADLY

    def __str__(self) -> str:
        return f"{self.kind} {self.target}".strip()


def schedule(seed: int, names: Collection[str] = FAULTS, *, long: bool = False) -> Iterator[Fault]:
    """Faults without end, the same for the same arguments.

    Decks of kills (every victim, every crash point) are dealt one after another; between kills one card comes from the
    deck of the other faults, every second time. A long run has one outage of the broker of a minute. Raises `ValueError`
    for an unknown name, or when no kind that kills is among them.
    """
    if unknown := set(names) - set(FAULTS):
        raise ValueError(f"unknown faults {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    if not {KILL, CRASH} & set(names):
        raise ValueError(f"one of {KILL}, {CRASH} must be among the faults: a run ends after its kills")
    return _deal(random.Random(f"faults {seed}"), set(names), long)


def _deal(chance: random.Random, names: set[str], long: bool) -> Iterator[Fault]:
    others = _decks(chance, [(kind, target) for kind in OTHERS if kind in names for target in _targets(kind)])
    deaths = [(KILL, victim) for victim in VICTIMS if KILL in names]
    deaths += [(CRASH, point) for point in POINTS if CRASH in names]
    number = kills = 0
    for kind, target in _decks(chance, deaths):
        yield _fault(chance, number, kind, target)
        number, kills = number + 1, kills + 1
        if kills % 2 == 1 and (woven := next(others, None)) is not None:
            yield _fault(chance, number, *woven)
            number += 1
        if long and kills == OUTAGE_AFTER and OUTAGE in names:
            yield _fault(chance, number, OUTAGE, "")
            number += 1


def _targets(kind: str) -> Sequence[str]:
    return {"stop": STOPPED, "poison": POISONED}.get(kind, ("",))


def _decks(chance: random.Random, cards: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The cards in random order, again and again; nothing when there are none."""
    while cards:
        yield from chance.sample(cards, len(cards))


def _fault(chance: random.Random, number: int, kind: str, target: str) -> Fault:
    lasts = {
        KILL: chance.choice((0.0, 0.0, 0.0, chance.uniform(0.5, 3.0))),
        "stop": chance.uniform(3.0, 4.5) if target.startswith("device") else chance.uniform(3.0, 14.0),
        "broker-kill": chance.uniform(0.0, 3.0),
        OUTAGE: OUTAGE_S,
        "postgres-restart": chance.uniform(0.0, 2.0),
        "store-errors": chance.uniform(2.0, 5.0),
        "store-slow": chance.uniform(2.0, 5.0),
        "store-truncated": chance.uniform(1.0, 3.0),
        "store-full": chance.uniform(1.0, 3.0),
        "disk-full": chance.uniform(2.0, 5.0),
    }.get(kind, 0.0)
    pause = round(chance.uniform(0.2, 1.2), 3)
    return Fault(
        number=number, kind=kind, target=target, pause=pause, lasts=round(lasts, 3), seed=chance.getrandbits(32)
    )
