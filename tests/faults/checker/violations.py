"""What a check found: each broken invariant with the events that show it, for people in one line, for programs as JSON."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct, field

INVARIANTS = {
    "I1": "accepted requests end once, none is lost",
    "I2": "quota balances",
    "I3": "read models equal a rebuild",
    "I4": "one live epoch a slot, old ones change nothing",
    "I5": "objects are there as recorded, no orphans",
    "I6": "the ledger is whole, transitions are legal",
    "I7": "lag returns to 0",
    "I8": "dead letters are the injected poison",
}
MOST = 100  # violations of one invariant that are kept; the rest is counted


class EventRef(Struct, frozen=True, kw_only=True):
    """One record of the log: where it is, its type ("" = undecodable) and the ids it carries."""

    topic: str
    partition: int
    offset: int
    type: str = ""
    ids: dict[str, str] = {}

    def __str__(self) -> str:
        ids = "".join(f" {name}={value}" for name, value in self.ids.items())
        return f"{self.topic}[{self.partition}]@{self.offset} {self.type or 'undecodable'}{ids}"


class Violation(Struct, frozen=True, kw_only=True):
    """A broken invariant ("I1".."I8") in words, with the records that show it."""

    invariant: str
    message: str
    events: list[EventRef] = []

    def __str__(self) -> str:
        shown = "; ".join(map(str, self.events))
        return f"{self.invariant} {self.message}" + (f" ({shown})" if shown else "")


class Findings(Struct, kw_only=True):
    """All violations, how many things were checked under each invariant, and how many records were read."""

    violations: list[Violation] = []
    checked: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    events: int = 0

    def add(self, invariant: str, message: str, *events: EventRef | None) -> None:
        """Note a violation; beyond `MOST` of one invariant only `found` grows."""
        self.found[invariant] += 1
        if self.found[invariant] <= MOST:
            shown = [event for event in events if event is not None]
            self.violations.append(Violation(invariant=invariant, message=message, events=shown))
