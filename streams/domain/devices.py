"""Devices: slots, leases and their fencing epochs. One live epoch a slot; an epoch only grows."""

from __future__ import annotations

from msgspec import Struct

from schemas.entities import DeviceChanged, DeviceStatus
from schemas.envelope import LedgerRecord
from schemas.render import DeviceJoined, DeviceLeft, LeaseGranted, LeaseRevoked
from streams.domain.drafts import draft
from streams.domain.policy import Policy
from streams.domain.state import DeviceState, ShardState


class LeaseLapsed(Struct, frozen=True, kw_only=True):
    """A fact of the coordinator's monotonic clock: no heartbeat of this epoch for the lease time-out."""

    device_id: str
    epoch: int


def decide_join(state: ShardState, report: DeviceJoined, policy: Policy) -> list[LedgerRecord]:
    """Grant a slot to an agent's start. A repeat of the same start changes nothing; a new start replaces the old one."""
    known = state.devices.get(report.device_id)
    if known is not None and known.boot_id == report.boot_id:
        return []
    events: list[LedgerRecord] = []
    if known is not None and known.status is DeviceStatus.LIVE:
        events += revoke(known, DeviceStatus.LOST, "replaced by a newer start of the same device")
    slot = _slot_for(state, report.device_id, policy)
    if slot is None:
        return events
    epoch = state.epochs.get(slot, 0) + 1
    granted = {"device_id": report.device_id, "boot_id": report.boot_id, "slot": slot, "epoch": epoch}
    changed = draft(
        DeviceChanged,
        "",
        report.device_id,
        report.envelope.event_id,
        status=DeviceStatus.LIVE,
        kind=report.kind,
        host=report.host,
        memory_bytes=report.memory_bytes,
        engines=report.engines,
        **granted,
    )
    return [*events, changed, draft(LeaseGranted, "", report.device_id, report.envelope.event_id, **granted)]


def decide_leave(state: ShardState, report: DeviceLeft) -> list[LedgerRecord]:
    """The agent stops or its supervisor saw it die: its work goes elsewhere at once."""
    device = state.devices.get(report.device_id)
    if device is None or device.boot_id != report.boot_id or device.status is not DeviceStatus.LIVE:
        return []
    return revoke(device, DeviceStatus.LEFT, report.reason or "left")


def decide_lapse(state: ShardState, fact: LeaseLapsed) -> list[LedgerRecord]:
    """The lease ran out without a heartbeat."""
    device = state.devices.get(fact.device_id)
    if device is None or device.epoch != fact.epoch or device.status is not DeviceStatus.LIVE:
        return []
    return revoke(device, DeviceStatus.LOST, "no heartbeat within the lease time-out")


def revoke(device: DeviceState, status: DeviceStatus, reason: str) -> list[LedgerRecord]:
    """End a lease; what was outstanding on the device becomes orphaned and is reclaimed stage by stage."""
    changed = draft(
        DeviceChanged,
        "",
        device.device_id,
        "",
        device_id=device.device_id,
        boot_id=device.boot_id,
        slot=device.slot,
        epoch=device.epoch,
        status=status,
        reason=reason,
    )
    fields = {"device_id": device.device_id, "slot": device.slot, "epoch": device.epoch, "reason": reason}
    return [changed, draft(LeaseRevoked, "", device.device_id, "", **fields)]


def _slot_for(state: ShardState, device_id: str, policy: Policy) -> int | None:
    known = state.devices.get(device_id)
    if known is not None and state.slots.get(known.slot, device_id) == device_id:
        return known.slot
    free = (slot for slot in range(policy.slots) if slot not in state.slots)
    idle = (
        slot for slot, holder in sorted(state.slots.items()) if state.devices[holder].status is not DeviceStatus.LIVE
    )
    return next(free, next(idle, None))
