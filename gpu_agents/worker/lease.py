"""Which records of the slot concern a start of the agent: the fence between old and new owners. Pure."""

from __future__ import annotations

from enum import Enum, auto

from msgspec import Struct

from schemas.entities import DeviceChanged, DeviceStatus
from schemas.envelope import Record
from schemas.errors import StoryreelError
from schemas.render import CancelCommand, LeaseGranted, LeaseRevoked, RenderCommand


class LeaseLostError(StoryreelError):
    """The lease is over or can no longer be trusted; the agent stops its work and joins again."""

    code = "lease_lost"
    retryable = True


class Lease(Struct, frozen=True, kw_only=True):
    """The right of the agent start `boot_id` to run the commands of `slot` that carry `epoch`."""

    device_id: str
    boot_id: str
    slot: int
    epoch: int


class Verdict(Enum):
    """What a record on the slot means to the holder of a lease."""

    SKIP = auto()
    OURS = auto()
    LOST = auto()


def granted(record: Record, device_id: str, boot_id: str) -> Lease | None:
    """The lease that a record on `devices` gives to this start, if it does."""
    match record:
        case DeviceChanged(device_id=device, boot_id=boot, status=DeviceStatus.LIVE, slot=slot, epoch=epoch):
            if device == device_id and boot == boot_id:
                return Lease(device_id=device_id, boot_id=boot_id, slot=slot, epoch=epoch)
    return None


def lost_by(record: Record, lease: Lease) -> bool:
    """Whether a record on `devices` ends the lease: lost or left, or the device or slot now belongs to a newer one."""
    if not isinstance(record, DeviceChanged):
        return False
    ours = record.device_id == lease.device_id and record.epoch == lease.epoch
    if ours and record.boot_id == lease.boot_id:
        return record.status in {DeviceStatus.LOST, DeviceStatus.LEFT}
    return record.device_id == lease.device_id and record.epoch >= lease.epoch


class Fence:
    """Reads `render.commands` of the slot from some time ago: everything before the own `LeaseGranted` is not ours."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._open = False

    def judge(self, record: Record) -> Verdict:
        """Commands of the own epoch after the grant are ours; a revocation of it or a later grant means the end."""
        lease = self._lease
        match record:
            case LeaseGranted(boot_id=boot, epoch=epoch):
                if boot == lease.boot_id and epoch == lease.epoch:
                    self._open = True
                    return Verdict.SKIP
                return Verdict.LOST if epoch >= lease.epoch or self._open else Verdict.SKIP
            case LeaseRevoked(epoch=epoch):
                return Verdict.LOST if epoch == lease.epoch else Verdict.SKIP
            case RenderCommand(epoch=epoch) | CancelCommand(epoch=epoch):
                return Verdict.OURS if self._open and epoch == lease.epoch else Verdict.SKIP
        return Verdict.SKIP
