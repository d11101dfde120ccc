"""Whether the inspector has read what was written on the topics that it reads for all others."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, TopicPartition

from infra.kafka import consuming, settled_end
from infra.settings import Settings
from streams.inspection import GROUP, INSPECTED
from tests.faults.checker.reading import partitions_of


class Inspected:
    """What is behind the ends of the first look: heartbeats never end, so the end of all would never be reached."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ends: dict[TopicPartition, int] = {}

    async def missing(self) -> list[str]:
        """Why the inspection is not through, in words."""
        if not self._ends:
            self._ends = await settled_end(self._settings.kafka, partitions_of(self._settings, INSPECTED))
        async with consuming(self._settings.kafka, group_id=GROUP) as consumer:
            lags = {place: end - await _committed(consumer, place) for place, end in self._ends.items()}
        return [
            f"the inspector has {lag} offsets of {place.topic}[{place.partition}] to read"
            for place, lag in lags.items()
            if lag > 0
        ]


async def _committed(consumer: AIOKafkaConsumer, place: TopicPartition) -> int:
    return await consumer.committed(place) or 0
