"""From a Faust stream to PostgreSQL: whatever waits becomes one transaction, then it is acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from infra import crash_points
from projections.apply import Partition
from projections.catch_up import Reader, TruncatedError, apply_surely, catch_up
from projections.cursors import Cursor, LogIdentity
from projections.selection import GapError
from schemas.errors import InfrastructureError

log = logging.getLogger(__name__)
BATCH = 500
QUEUE = 2000
CROWD = 10  # events at once from which on a batch waits
LINGER = 0.02  # seconds
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
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(QUEUE)

    async def drain(self, stream: Any) -> None:
        """Put the events of the stream into the queue, waiting while it is full."""
        manual = stream.noack()
        async for event in manual.events():
            await self._waiting.put(_Waiting(manual, event))

    async def run(self) -> None:
        """Apply batches for ever. A lone event waits for nothing; in a stream of them each batch lets a few more come."""
        crowded = False
        while True:
            batch = [await self._waiting.get()]
            if crowded:
                await asyncio.sleep(LINGER)
            while len(batch) < BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            crowded = len(batch) > CROWD
            by_partition: dict[int, list[Any]] = defaultdict(list)
            for item in batch:
                by_partition[item.event.message.partition].append(item.event.message)
            for number, messages in by_partition.items():
                await self._apply(number, messages)
            crash_points.reach("read-models.after_apply")
            for item in batch:
                await item.stream.ack(item.event)

    async def _apply(self, number: int, messages: Sequence[Any]) -> Cursor:
        """Apply, waiting for what is away; `GapError` from reading again means that the log itself has a hole."""
        partition = Partition(topic=self.topic, number=number, identity=self._identity)
        decode = self._reader.decoder.delivered
        crash_points.reach("read-models.before_apply")
        delivered = [await decode(self.topic, m.offset, m.key, m.value, list(m.headers or ())) for m in messages]
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


class _Waiting(Struct, frozen=True):
    """An event and the stream that acknowledges it."""

    stream: Any
    event: Any
