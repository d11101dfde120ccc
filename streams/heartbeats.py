"""Which leases lapsed, judged by this process's monotonic clock and only while it reads heartbeats without a gap."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.render import DeviceHeartbeat
from streams.domain.devices import LeaseLapsed
from streams.domain.state import ShardState


class LeaseClocks:
    """Pure of IO: times are monotonic seconds given by the caller.

    A start, a takeover or a reading gap longer than a third of the time-out restarts all clocks, so that an outage of
    the broker or of this process never looks like the death of every device.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._seen: dict[tuple[str, int], float] = {}
        self._polled_at: float | None = None

    def polled(self, now: float, heartbeats: Iterable[DeviceHeartbeat]) -> None:
        """Everything was read up to an end of the topic that the broker told during this poll."""
        if self._polled_at is None or now - self._polled_at > self._timeout / 3:
            self._seen = dict.fromkeys(self._seen, now)
        self._polled_at = now
        for heartbeat in heartbeats:
            self._seen[heartbeat.device_id, heartbeat.epoch] = now

    def lapsed(self, now: float, state: ShardState) -> list[LeaseLapsed]:
        """Leases without a heartbeat for the time-out; clocks of leases not met before start now."""
        if self._polled_at is None or now - self._polled_at > self._timeout / 3:
            return []
        live = {(device.device_id, device.epoch) for device in state.live_devices()}
        self._seen = {lease: seen for lease, seen in self._seen.items() if lease in live}
        for lease in live:
            self._seen.setdefault(lease, now)
        return [
            LeaseLapsed(device_id=device_id, epoch=epoch)
            for (device_id, epoch), seen in sorted(self._seen.items())
            if now - seen > self._timeout
        ]
