"""I4: stages whose device lost its lease go back in the transaction that ends the lease."""

from __future__ import annotations

from collections.abc import Iterable

from tests.faults.checker.records import Logged
from tests.faults.checker.violations import EventRef, Findings

StageKey = tuple[str, str]
"""Task, stage."""


class Stranded:
    """Stages of ended leases until they are taken back.

    The end of a transaction takes an offset in every partition it wrote to: records of `tasks` with a gap between them are
    of two transactions.
    """

    def __init__(self, findings: Findings) -> None:
        self._fail = findings
        self._left: dict[StageKey, EventRef] = {}
        self._same_transaction = False
        self._next_offset = -1

    def add(self, stages: Iterable[StageKey], revoked: EventRef) -> None:
        """A lease ended while these stages were on its device."""
        self._left |= dict.fromkeys(stages, revoked)
        self._same_transaction = False

    def settle(self, stage: StageKey) -> None:
        """The stage is on no device any more."""
        self._left.pop(stage, None)

    def before(self, logged: Logged) -> None:
        """Call with every record of `tasks`, before it is taken."""
        if self._left and self._same_transaction and logged.raw.offset != self._next_offset:
            for (task_id, stage_id), revoked in self._left.items():
                self._fail.add("I4", f"{task_id}/{stage_id} stays on a device whose lease is over", revoked, logged.ref)
            self._left.clear()
        self._same_transaction = bool(self._left)
        self._next_offset = logged.raw.offset + 1
