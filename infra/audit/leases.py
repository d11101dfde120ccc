"""Leases and devices: one live epoch a slot, one slot a device, epochs that only grow."""

from __future__ import annotations

from infra.audit.events import Event, Findings
from schemas.entities import DeviceChanged, DeviceStatus
from schemas.render import LeaseGranted, LeaseRevoked


class Leases:
    """Folds leases and states of devices. `partial`: leases may have been granted by records that are gone."""

    def __init__(self, found: Findings, *, partial: bool) -> None:
        self._found = found
        self._partial = partial
        self._slots: dict[int, tuple[str, int] | None] = {}
        self._slot_of: dict[str, int] = {}
        self._highest: dict[int, int] = {}
        self._devices: dict[str, tuple[int, int, DeviceStatus]] = {}

    def holds(self, device_id: str, epoch: int, slot: int | None) -> bool:
        """Whether the device may have a live lease of that epoch (on that slot, if one is named)."""
        own = self._slot_of.get(device_id)
        if own is None:
            return self._partial and (slot is None or slot not in self._slots)
        return self._slots[own] == (device_id, epoch) and slot in (None, own)

    def fold(self, event: Event) -> None:
        """Check and take over one event."""
        match event.record:
            case LeaseGranted() as granted:
                self._grant(event, granted)
            case LeaseRevoked() as revoked:
                self._revoke(event, revoked)
            case DeviceChanged() as changed:
                self._change(event, changed)

    def _grant(self, event: Event, granted: LeaseGranted) -> None:
        slot, device_id = granted.slot, granted.device_id
        if granted.epoch <= (highest := self._highest.get(slot, 0)):
            self._found.about(event, "lease", f"epoch {granted.epoch} of slot {slot} after {highest}")
        if (held := self._slots.get(slot)) is not None:
            self._found.about(event, "lease", f"slot {slot} is granted while {held[0]} holds it")
            self._slot_of.pop(held[0], None)
        if (other := self._slot_of.get(device_id)) is not None:
            self._found.about(event, "lease", f"{device_id} is granted slot {slot} and holds slot {other}")
            self._slots[other] = None
        self._slots[slot] = (device_id, granted.epoch)
        self._slot_of[device_id] = slot
        self._highest[slot] = max(granted.epoch, highest)

    def _revoke(self, event: Event, revoked: LeaseRevoked) -> None:
        if not self.holds(revoked.device_id, revoked.epoch, revoked.slot):
            text = f"epoch {revoked.epoch} of {revoked.device_id} on slot {revoked.slot} is revoked without being live"
            self._found.about(event, "lease", text)
        self._slots[revoked.slot] = None
        self._slot_of.pop(revoked.device_id, None)
        self._highest[revoked.slot] = max(revoked.epoch, self._highest.get(revoked.slot, 0))

    def _change(self, event: Event, changed: DeviceChanged) -> None:
        """Compaction may have removed states in between, so only what no lost state can explain is wrong."""
        slot, epoch, status = self._devices.get(changed.device_id, (changed.slot, 0, DeviceStatus.UNKNOWN))
        if slot == changed.slot and changed.epoch < epoch:
            self._found.about(event, "device", f"epoch {changed.epoch} after {epoch}")
        elif slot == changed.slot and changed.epoch == epoch and status is not DeviceStatus.LIVE:
            self._found.about(event, "device", f"{changed.status} under epoch {epoch}, which is {status}")
        elif slot == changed.slot and changed.epoch == epoch and changed.status is DeviceStatus.LIVE:
            self._found.about(event, "device", f"live twice under epoch {epoch}")
        self._devices[changed.device_id] = (changed.slot, changed.epoch, changed.status)
