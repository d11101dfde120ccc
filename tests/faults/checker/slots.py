"""I4: leases. One live epoch a slot, one slot a device, epochs that only grow."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.envelope import LedgerRecord
from schemas.render import LeaseGranted, LeaseRevoked
from tests.faults.checker.records import Logged
from tests.faults.checker.violations import EventRef, Findings


@dataclass(slots=True)
class Lease:
    """A live lease and the record that granted it."""

    device_id: str
    epoch: int
    event: EventRef


class Slots:
    """Live leases by slot, and the highest epoch each slot ever had."""

    def __init__(self, findings: Findings) -> None:
        self._fail = findings
        self._live: dict[int, Lease] = {}
        self._slots: dict[str, int] = {}
        self._highest: dict[int, int] = {}

    def holds(self, device_id: str, epoch: int, slot: int | None = None) -> bool:
        """Whether the device has a live lease of that epoch (and slot)."""
        own = self._slots.get(device_id)
        return own is not None and self._live[own].epoch == epoch and slot in (None, own)

    def lease_of(self, device_id: str) -> EventRef | None:
        """The record that granted the device's live lease."""
        own = self._slots.get(device_id)
        return self._live[own].event if own is not None else None

    def fold(self, logged: Logged, record: LedgerRecord) -> None:
        """Check and take over a lease."""
        match record:
            case LeaseGranted():
                self._fail.checked["I4"] += 1
                self._grant(logged, record)
            case LeaseRevoked():
                self._fail.checked["I4"] += 1
                if not self.holds(record.device_id, record.epoch, record.slot):
                    text = f"epoch {record.epoch} of {record.device_id} is revoked without being live"
                    self._fail.add("I4", text, logged.ref, self.lease_of(record.device_id))
                    return
                del self._live[record.slot], self._slots[record.device_id]

    def _grant(self, logged: Logged, event: LeaseGranted) -> None:
        if event.epoch <= (highest := self._highest.get(event.slot, 0)):
            self._fail.add("I4", f"slot {event.slot}: epoch {event.epoch} after {highest}", logged.ref)
        if (held := self._live.get(event.slot)) is not None:
            text = f"slot {event.slot} goes to {event.device_id} while {held.device_id} holds it"
            self._fail.add("I4", text, held.event, logged.ref)
            self._slots.pop(held.device_id, None)
        if (other := self._slots.get(event.device_id)) is not None:
            text = f"{event.device_id} holds slots {other} and {event.slot}"
            self._fail.add("I4", text, self._live[other].event, logged.ref)
            del self._live[other]
        if logged.partition != event.slot:
            self._fail.add("I4", f"the lease of slot {event.slot} is on another partition", logged.ref)
        self._live[event.slot] = Lease(event.device_id, event.epoch, logged.ref)
        self._slots[event.device_id] = event.slot
        self._highest[event.slot] = max(event.epoch, highest)
