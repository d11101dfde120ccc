"""Keeps the rows fresh whatever becomes of the agents, in this process and in others of the group.

A process that was killed holds its partitions for the session of the group, an agent may fall silent, and a database may
come back empty while nobody writes. All of it looks alike from here: records wait and the position stands still. Then the
records are applied without Faust for as long as a group needs to settle.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Struct

from infra.kafka import assigned, committed_end
from projections.apply import Partition
from projections.catch_up import Reader, TruncatedError, catch_up, stored_cursors
from projections.cursors import Cursor
from projections.selection import GapError
from schemas.errors import InfrastructureError
from streams.read_models.bridge import bridge

log = logging.getLogger(__name__)
INTERVAL = 1.0  # seconds between two looks
SETTLING = 8.0  # seconds, a little more than the session of the group
_ANSWER = 5.0


class Keeper:
    """Watches the positions of all partitions."""

    def __init__(self, reader: Reader, partitions: Sequence[Partition]) -> None:
        self._reader = reader
        self._partitions = {TopicPartition(partition.topic, partition.number): partition for partition in partitions}
        self._read: dict[TopicPartition, Look] = {}  # places up to which nothing is left to apply

    async def run(self) -> None:
        """Watch for ever. Raises `GapError` or `TruncatedError` when the log itself has a hole."""
        while True:
            try:
                async with assigned(self._reader.settings.kafka, {}) as consumer:
                    await self._watch(consumer)
            except (GapError, TruncatedError):
                raise
            except (KafkaError, InfrastructureError, OSError) as error:
                log.warning("%r; looking again", error)
            await asyncio.sleep(INTERVAL)

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        before: dict[TopicPartition, Look] = {}
        while True:
            looks = await self._look(consumer)
            still = {tp: look for tp, look in before.items() if waits(look, looks[tp].position, self._read.get(tp))}
            before = looks
            if still:
                topics = ", ".join(sorted({tp.topic for tp in still}))
                log.warning("records wait in %s; applying them without Faust", topics)
                await self._apply(still)
                before = {}
            await asyncio.sleep(INTERVAL)

    async def _look(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, Look]:
        stored = await stored_cursors(self._reader.pool)
        async with asyncio.timeout(_ANSWER):
            ends = await committed_end(consumer, self._partitions)
        return {tp: Look(_offset(stored, tp), end) for tp, end in ends.items()}

    async def _apply(self, still: Mapping[TopicPartition, Look]) -> None:
        await asyncio.gather(*(catch_up(self._reader, self._partitions[tp]) for tp in still))
        self._read |= still
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(SETTLING, over.set)
        await bridge(self._reader, list(self._partitions.values()), over)


class Look(Struct, frozen=True):
    """The position in the rows and, a moment later, the end of the log."""

    position: int
    end: int


def waits(before: Look, now: int, read: Look | None) -> bool:
    """Whether the position stood still since the look before although the log went on already then.

    One offset more is no record but the marker of a transaction; up to `read.end` a reader found nothing to apply
    after `read.position`, which holds until the position is set back.
    """
    if read is not None and before.position >= read.position and before.end <= read.end:
        return False
    return now <= before.position and before.end > before.position + 1


def _offset(stored: Mapping[tuple[str, int], Cursor], tp: TopicPartition) -> int:
    cursor = stored.get((tp.topic, tp.partition))
    return cursor.next_offset if cursor else 0
