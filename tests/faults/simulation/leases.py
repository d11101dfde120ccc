"""I4: one live epoch a slot, one slot a device, epochs that only grow."""

from __future__ import annotations

from collections.abc import Callable

from schemas.envelope import LedgerRecord
from schemas.render import LeaseGranted, LeaseRevoked


class Leases:
    """Live leases by slot, and the highest epoch each slot ever had."""

    def __init__(self, fail: Callable[[str], None]) -> None:
        self._fail = fail
        self._live: dict[int, tuple[str, int]] = {}
        self._slots: dict[str, int] = {}
        self._highest: dict[int, int] = {}

    def holds(self, device_id: str, epoch: int, slot: int | None = None) -> bool:
        """Whether the device has a live lease of that epoch (and slot)."""
        own = self._slots.get(device_id)
        return own is not None and self._live[own] == (device_id, epoch) and slot in (None, own)

    def fold(self, event: LedgerRecord) -> None:
        """Check and take over a lease."""
        match event:
            case LeaseGranted():
                self._grant(event)
            case LeaseRevoked():
                if not self.holds(event.device_id, event.epoch, event.slot):
                    self._fail(f"I4 {event.device_id}/{event.epoch} is revoked without being live")
                    return
                del self._live[event.slot], self._slots[event.device_id]

    def _grant(self, event: LeaseGranted) -> None:
        if event.epoch <= self._highest.get(event.slot, 0):
            self._fail(f"I4 slot {event.slot}: epoch {event.epoch} after {self._highest[event.slot]}")
        if event.slot in self._live:
            self._fail(f"I4 slot {event.slot} goes to {event.device_id} while {self._live[event.slot][0]} holds it")
            self._slots.pop(self._live[event.slot][0], None)
        if event.device_id in self._slots:
            self._fail(f"I4 {event.device_id} holds two slots")
            self._live.pop(self._slots[event.device_id], None)
        self._live[event.slot] = (event.device_id, event.epoch)
        self._slots[event.device_id] = event.slot
        self._highest[event.slot] = max(event.epoch, self._highest.get(event.slot, 0))
