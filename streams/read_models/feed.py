"""From a Faust stream to PostgreSQL: whatever waits becomes one transaction, then it is acknowledged."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

from infra import crash_points
from projections.apply import Partition
from projections.catch_up import Reader, TruncatedError, apply_surely, catch_up
from projections.cursors import Cursor, LogIdentity
from projections.selection import GapError
from schemas.errors import InfrastructureError

log = logging.getLogger(__name__)
BATCH = 500
QUEUE = 2000
CROWD = 10  # events at once from which on a batch waits for more
LINGER = 0.1  # seconds that it waits at most
_LOOK = 0.01
_BROKER_PAUSE = 0.5


class Feed:
    """One topic. `drain` is the agent's body and only queues; `run` applies, alone and in order.

    Faust acknowledges what its handler let go of, even by raising; so acknowledging waits for the commit, and whoever
    runs `run` must end the process when it raises.
    """

    def __init__(self, topic: str, reader: Reader, identity: LogIdentity) -> None:
        self.topic = topic
        self._reader = reader
        self._identity = identity
        self._waiting: deque[Any] = deque()  # events of Faust
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()

    async def drain(self, stream: Any) -> None:
        """Queue the events of the stream, waiting while the queue is full."""
        manual = stream.noack()
        async for _ in manual:
            self._waiting.append(manual.current_event)
            self._arrived.set()
            if len(self._waiting) >= QUEUE:
                self._room.clear()
                await self._room.wait()

    async def run(self) -> None:
        """Apply batches for ever. A lone event waits for nothing; in a stream of them a batch lets more come."""
        crowded = False
        while True:
            await self._arrived.wait()
            if crowded:
                await self._gather()
            batch = self._take()
            crowded = len(batch) > CROWD
            by_partition: dict[int, list[Any]] = defaultdict(list)
            for event in batch:
                by_partition[event.message.partition].append(event.message)
            for number, messages in by_partition.items():
                await self._apply(number, messages)
            crash_points.reach("read-models.after_apply")
            for event in batch:
                event.ack()

    async def _gather(self) -> None:
        """Let a batch grow while it does: a transaction costs the same for one event as for hundreds."""
        until, seen = time.monotonic() + LINGER, 0
        while seen < len(self._waiting) < BATCH and time.monotonic() < until:
            seen = len(self._waiting)
            await asyncio.sleep(_LOOK)

    def _take(self) -> list[Any]:
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        if not self._waiting:
            self._arrived.clear()
        if len(self._waiting) < QUEUE:
            self._room.set()
        return batch

    async def _apply(self, number: int, messages: Sequence[Any]) -> Cursor:
        """Apply, waiting for what is away; `GapError` from reading again means that the log itself has a hole."""
        partition = Partition(topic=self.topic, number=number, identity=self._identity)
        crash_points.reach("read-models.before_apply")
        delivered = await self._reader.decoder.delivered(messages)
        refill = False
        while True:
            try:
                if refill:
                    return await catch_up(self._reader, partition, until=messages[-1].offset + 1)
                return await apply_surely(self._reader, partition, delivered)
            except TruncatedError:
                raise
            except GapError as gap:
                if refill:
                    raise
                log.warning("%s; reading the missing records", gap)
                refill = True
            except InfrastructureError as error:
                log.warning("%s; trying again", error)
                await asyncio.sleep(_BROKER_PAUSE)
