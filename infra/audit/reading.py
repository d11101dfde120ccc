"""The ledger as it lies on Kafka: committed records of all its partitions, fed to whoever follows it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from infra.audit.events import Place, Raw, Shard
from infra.audit.following import Bounds, Following
from infra.kafka import assigned, committed_end, settled_end
from infra.kafka_admin import partitions_of
from infra.settings import Settings
from schemas.errors import InfrastructureError
from schemas.topics import BY_NAME, CHECKPOINTS, LEDGER_TOPICS, TASKS

PATIENCE = 60.0  # seconds without a record; what a dead writer left open hides the rest for 15 s
_BATCH = 2_000
_POLL_MS = 200
_SLACK = timedelta(minutes=1)  # between a record's own time and the time Kafka has for it

Moved = Callable[[int, int], None]
"""Told how much of how much was read, in offsets."""


def unseen(_read: int, _whole: int) -> None:
    """Who wants to know nothing of it."""


def raw_of(message: ConsumerRecord) -> Raw:
    """A consumed record as audits take it."""
    return Raw(message.topic, message.partition, message.offset, message.key, message.value, tuple(message.headers))


class LedgerReader:
    """Reads the ledger from `starts` to the ends at the time of opening; `bounds` say what that is."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        starts: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
        bounds: Mapping[Place, Bounds],
    ) -> None:
        self.bounds = bounds
        self._consumer = consumer
        self._starts = starts
        self._ends = ends

    async def feed(self, target: Following, moved: Moved = unseen) -> None:
        """Give everything to `target`, in bounded memory. Raises `InfrastructureError` when a partition cannot be read on."""
        waiting = {place for place, end in self._ends.items() if self._starts[place] < end}
        for place in self._ends.keys() - waiting:
            target.close((place.topic, place.partition))
        read = dict.fromkeys(waiting, 0)
        whole = sum(self._ends[place] - self._starts[place] for place in waiting)
        since = time.monotonic()
        while waiting:
            starved = [TopicPartition(*place) for place in target.starved()]
            batches = await self._consumer.getmany(*(starved or waiting), timeout_ms=_POLL_MS, max_records=_BATCH)
            for place, messages in batches.items():
                for message in messages:
                    if message.offset < self._ends[place]:
                        target.take(raw_of(message))
            before = sum(read.values())
            for place in [*waiting]:
                read[place] = min(await self._consumer.position(place), self._ends[place]) - self._starts[place]
                if self._starts[place] + read[place] >= self._ends[place]:
                    target.close((place.topic, place.partition))
                    waiting.discard(place)
            target.advance()
            if (now := sum(read.values())) > before:
                since = time.monotonic()
                moved(now, whole)
            elif time.monotonic() - since > PATIENCE:
                left = ", ".join(f"{p.topic}[{p.partition}] before {self._ends[p]}" for p in sorted(waiting))
                raise InfrastructureError(
                    f"nothing more to read of {left}: a transaction is open or the broker is away"
                )


async def shards_of(settings: Settings) -> list[Shard]:
    """The shards of the log. Errors as of `ledger`."""
    count = len(await partitions_of(settings.kafka, [TASKS.name]))
    return [Shard(number, count) for number in range(count)]


@asynccontextmanager
async def ledger(
    settings: Settings,
    starts: Mapping[Place, int] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    shard: int = 0,
) -> AsyncIterator[LedgerReader]:
    """A reader of what is committed of a shard by now; `starts` = where to begin, else the first offsets or those of `since`.

    Raises `InfrastructureError` if Kafka is away, `ConfigurationError` if a topic is missing.
    """
    found = await partitions_of(settings.kafka, [topic.name for topic in LEDGER_TOPICS])
    places = [place for place in found if place.partition == shard or BY_NAME[place.topic].partitions == "slots"]
    try:
        options = {"auto_offset_reset": "earliest", "max_partition_fetch_bytes": 1_000_000}
        async with assigned(settings.kafka, dict.fromkeys(places, 0), **options) as consumer:
            begins = await consumer.beginning_offsets(places)
            committed = await committed_end(consumer, places)
            written = await settled_end(settings.kafka, places)
            first = await _offsets_at(consumer, places, since - _SLACK if since else None, written, begins)
            last = await _offsets_at(consumer, places, until + _SLACK if until else None, written, written)
            asked = starts or {}
            from_ = {p: max(begins[p], first[p], asked.get((p.topic, p.partition), 0)) for p in places}
            for place, offset in from_.items():
                consumer.seek(place, offset)
            bounds = {(p.topic, p.partition): Bounds(begin=begins[p], end=min(committed[p], last[p])) for p in places}
            yield LedgerReader(consumer, from_, last, bounds)
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {settings.kafka}: {error!r}") from error


async def _offsets_at(
    consumer: AIOKafkaConsumer,
    places: Iterable[TopicPartition],
    time_: datetime | None,
    ends: Mapping[TopicPartition, int],
    default: Mapping[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """For each partition the first offset at or after a time, its end if there is none, `default` without a time."""
    if time_ is None:
        return {place: default[place] for place in places}
    found = await consumer.offsets_for_times(dict.fromkeys(places, int(time_.timestamp() * 1000)))
    return {place: ends[place] if (at := found.get(place)) is None else int(at.offset) for place in places}


async def read_checkpoints(settings: Settings, shard: int = 0) -> list[Raw]:
    """Every checkpoint of a shard. Errors as of `ledger`."""
    await partitions_of(settings.kafka, [CHECKPOINTS.name])
    place = TopicPartition(CHECKPOINTS.name, shard)
    found: list[Raw] = []
    try:
        end = (await settled_end(settings.kafka, [place]))[place]
        async with assigned(settings.kafka, {place: 0}, auto_offset_reset="earliest") as consumer:
            since = time.monotonic()
            while await consumer.position(place) < end:
                messages = (await consumer.getmany(place, timeout_ms=_POLL_MS)).get(place, [])
                found += [raw_of(message) for message in messages if message.offset < end]
                if messages:
                    since = time.monotonic()
                elif time.monotonic() - since > PATIENCE:
                    raise InfrastructureError(f"nothing to read of {place.topic} before offset {end}")
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {settings.kafka}: {error!r}") from error
    return found
