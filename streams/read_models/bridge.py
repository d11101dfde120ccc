"""Applies with a plain consumer while Faust does not: at the start, and when an agent fell silent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from infra.kafka import assigned
from projections.apply import Partition
from projections.catch_up import BATCH, Reader, TruncatedError, apply_surely, catch_up, stored_cursors
from projections.selection import GapError
from schemas.errors import InfrastructureError

log = logging.getLogger(__name__)
_POLL_MS = 50
_PAUSE = 0.5


async def bridge(reader: Reader, partitions: Sequence[Partition], until: asyncio.Event) -> None:
    """Apply what arrives until the event is set; whoever else applies meanwhile does no harm.

    Outages are waited for. Raises `GapError` or `TruncatedError` when the log itself has a hole.
    """
    by_tp = {TopicPartition(partition.topic, partition.number): partition for partition in partitions}
    while not until.is_set():
        try:
            await _follow(reader, by_tp, until)
        except (GapError, TruncatedError):
            raise
        except (KafkaError, InfrastructureError) as error:
            log.warning("%r; trying again", error)
            await asyncio.sleep(_PAUSE)


async def _follow(reader: Reader, partitions: Mapping[TopicPartition, Partition], until: asyncio.Event) -> None:
    await asyncio.gather(*(catch_up(reader, partition) for partition in partitions.values()))
    cursors = await stored_cursors(reader.pool)
    found = {tp: cursors.get((tp.topic, tp.partition)) for tp in partitions}
    positions: dict[TopicPartition, int | None] = {tp: c.next_offset if c else 0 for tp, c in found.items()}
    async with assigned(reader.settings.kafka, positions, auto_offset_reset="earliest") as consumer:
        while not until.is_set():
            await _step(reader, partitions, consumer)


async def _step(reader: Reader, partitions: Mapping[TopicPartition, Partition], consumer: AIOKafkaConsumer) -> None:
    for tp, records in (await consumer.getmany(timeout_ms=_POLL_MS, max_records=BATCH)).items():
        delivered = await reader.decoder.delivered(records)
        try:
            await apply_surely(reader, partitions[tp], delivered)
        except GapError:
            await catch_up(reader, partitions[tp], until=records[-1].offset + 1)
