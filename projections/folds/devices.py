"""Device events into devices; every event carries the whole state, so older ones may be missing (compaction)."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from projections.folds.guard import is_old
from schemas.entities import AnyDeviceEvent, DeviceStatus, EngineInfo
from schemas.envelope import EPOCH


class DeviceRow(Struct, frozen=True, kw_only=True):
    """A device, its slot and the epoch of its lease; memory in bytes."""

    device_id: str
    boot_id: str = ""
    slot: int = 0
    epoch: int = 0
    status: DeviceStatus = DeviceStatus.UNKNOWN
    kind: str = ""
    host: str = ""
    memory_bytes: int = 0
    engines: list[EngineInfo] = []
    reason: str = ""
    changed_at: datetime = EPOCH
    shard_seq: int = 0


def apply_device(row: DeviceRow | None, event: AnyDeviceEvent) -> DeviceRow:
    """The device after the event."""
    if row is not None and is_old(row, event):
        return row
    return DeviceRow(
        device_id=event.device_id,
        boot_id=event.boot_id,
        slot=event.slot,
        epoch=event.epoch,
        status=event.status,
        kind=event.kind,
        host=event.host,
        memory_bytes=event.memory_bytes,
        engines=event.engines,
        reason=event.reason,
        changed_at=event.envelope.occurred_at,
        shard_seq=event.stamp.shard_seq,
    )
