"""What a run did and when, for the report and for finding out what went wrong."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import msgspec
from msgspec import Struct

from tests.faults.harness.schedule import Fault


class Injection(Struct, kw_only=True):
    """One fault as it happened. Times are Unix seconds; `victim` is the process concerned, `note` what else is to know.

    `outcome` is "done", "not reached" (a crash point nobody came to) or "failed".
    """

    fault: Fault
    began: float
    ended: float = 0.0
    healed: float = 0.0
    victim: str = ""
    outcome: str = "done"
    note: str = ""


class Poison(Struct, frozen=True, kw_only=True):
    """A record nobody can use, and where it lies."""

    topic: str
    partition: int
    offset: int
    shape: str


class Journal:
    """Keeps injections and poison; every line also goes to `faults.log` in the data folder."""

    def __init__(self, path: Path, tell: Callable[[str], None] = lambda _: None) -> None:
        self.injections: list[Injection] = []
        self.poison: list[Poison] = []
        self.refused: list[str] = []  # poison the broker did not take
        self.disk_by = ""  # how the disk was made full
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)
        self._began = time.time()
        self._tell = tell

    @property
    def kills(self) -> int:
        """Processes killed so far."""
        return sum(i.fault.deadly and i.outcome == "done" for i in self.injections)

    @property
    def last(self) -> str:
        """The newest fault in words."""
        return str(self.injections[-1].fault) if self.injections else ""

    def counts(self) -> Counter[str]:
        """How often each kind of fault was injected."""
        return Counter(i.fault.kind for i in self.injections if i.outcome == "done")

    def begin(self, fault: Fault) -> Injection:
        """A fault is being injected now."""
        injection = Injection(fault=fault, began=time.time())
        self.injections.append(injection)
        self.line(f"#{fault.number} {fault}")
        return injection

    def end(self, injection: Injection) -> None:
        """It is in effect, or over."""
        injection.ended = time.time()
        if injection.outcome != "done" or injection.victim or injection.note:
            words = (injection.outcome, injection.victim, injection.note)
            self.line(f"#{injection.fault.number} {' '.join(filter(None, words))}")

    def heal(self, injection: Injection) -> None:
        """Its effect is taken away."""
        injection.healed = time.time()
        self.line(f"#{injection.fault.number} {injection.fault} healed")

    def line(self, text: str) -> None:
        """Note something."""
        line = f"{time.time() - self._began:7.2f} {text}"
        self._file.write(line + "\n")
        self._tell(line)

    def close(self) -> None:
        self._file.close()

    def as_json(self) -> bytes:
        """The injections."""
        return msgspec.json.encode(self.injections)
