"""Signs of life, and the agent's own judgement whether its lease can still be alive."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

from gpu_agents.worker.clock import utc_now
from gpu_agents.worker.lease import Lease, LeaseLostError
from schemas.envelope import Envelope
from schemas.errors import InfrastructureError
from schemas.ids import new_id
from schemas.render import DeviceHeartbeat

log = logging.getLogger(__name__)
SAFE_SHARE = 0.8  # of the lease time-out: the agent gives up before the coordinator does


class Heartbeat:
    """`send(record, timeout)` returns when the broker has acknowledged; times in seconds."""

    def __init__(
        self,
        lease: Lease,
        send: Callable[[DeviceHeartbeat, float], Awaitable[None]],
        *,
        interval: float,
        lease_timeout: float,
        running: Callable[[], list[str]],
        memory_used: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._lease = lease
        self._send = send
        self._interval = interval
        self._limit = SAFE_SHARE * lease_timeout
        self._running = running
        self._memory_used = memory_used
        self._clock = clock
        self._sleep = sleep

    async def run(self) -> NoReturn:
        """Beat until no acknowledged heartbeat was sent for eight tenths of the lease time-out.

        The time counts from the sending of the last acknowledged one, which is never later than its arrival. Raises
        `LeaseLostError`.
        """
        good = self._clock()
        while True:
            sent = self._clock()
            left = good + self._limit - sent
            if left <= 0:
                raise LeaseLostError(f"no heartbeat was acknowledged for {self._limit:g} s")
            try:
                await self._send(self._record(), min(self._interval, left))
                good = sent
            except InfrastructureError as error:
                log.warning("heartbeat: %s", error)
            now = self._clock()
            await self._sleep(max(0.0, min(sent + self._interval, good + self._limit) - now))

    def _record(self) -> DeviceHeartbeat:
        lease = self._lease
        return DeviceHeartbeat(
            envelope=Envelope(event_id=new_id(), aggregate_id=lease.device_id, occurred_at=utc_now()),
            device_id=lease.device_id,
            boot_id=lease.boot_id,
            epoch=lease.epoch,
            memory_used=self._memory_used(),
            running=self._running(),
        )
