"""Topics of which nobody keeps a position: what cannot be used becomes one letter, whole, and nothing is held up."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from msgspec.structs import replace

from infra.kafka import consuming, create_producer
from infra.kafka_admin import ensure_topics
from infra.settings import Settings
from schemas.serde import Codec
from schemas.topics import PROGRESS
from streams.inspection import GROUP, INSPECTED, Inspector
from tests.integration.poison import poison
from tests.integration.read_models.conftest import eventually
from tests.integration.read_models.test_poison import letters_of

HUGE = 10_000_000


@asynccontextmanager
async def inspecting(settings: Settings, codec: Codec, count: int = 1) -> AsyncIterator[None]:
    """So many processes' inspectors."""
    tasks = [asyncio.create_task(Inspector(settings, codec).run()) for _ in range(count)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def position(settings: Settings, place: TopicPartition) -> int:
    """How far the group says it is."""
    async with consuming(settings.kafka, group_id=GROUP) as consumer:
        return await consumer.committed(place) or 0


async def test_poison_becomes_one_letter_whoever_inspects_and_however_often(settings: Settings, codec: Codec) -> None:
    trace = uuid.uuid4().bytes
    limited = replace(PROGRESS, max_bytes=HUGE + 100_000)
    await ensure_topics(settings.kafka, [limited], shards=settings.shards, slots=settings.device_slots, replication=1)
    sent: dict[str, bytes | None] = {}
    ends: dict[TopicPartition, int] = {}
    producer = create_producer(settings.kafka)
    await producer.start()

    async def write(topic: str, value: bytes | None) -> None:
        at = await producer.send_and_wait(topic, value, b"poison" + trace, 0, headers=[("trace", trace)])
        sent[f"{topic}@{at.offset}"] = value
        ends[TopicPartition(topic, 0)] = at.offset + 1

    async with inspecting(settings, codec, count=2):
        for topic in INSPECTED:
            await producer.send_and_wait(topic.name, codec.encode(topic.records[0]()), b"good", 0)
            for value in poison(topic, codec).values():
                await write(topic.name, value)
        await write(PROGRESS.name, b"\x07" * HUGE)

        async def all_there() -> bool:
            return len(await letters_of(settings, trace)) >= len(sent)

        await eventually(all_there, 60)
    await producer.stop()
    begins = dict.fromkeys(ends, 0)
    async with consuming(settings.kafka, group_id=GROUP) as consumer:
        consumer.assign(list(begins))
        await consumer.commit(begins)  # as if the process had been killed before it kept its position
    async with inspecting(settings, codec):

        async def read_again() -> bool:
            return all([await position(settings, place) >= end for place, end in ends.items()])

        await eventually(read_again, 60)
    letters = await letters_of(settings, trace)
    assert {source: len(found) for source, found in letters.items()} == dict.fromkeys(sent, 1)
    for source, [(value, headers)] in letters.items():
        assert digest(value) == digest(sent[source]), source
        assert (headers["trace"], headers["dlq.reader"]) == (trace, b"inspector")
        assert headers["dlq.reason"]


def digest(value: bytes | None) -> str | None:
    """Short, so that a failure can be read."""
    return None if value is None else hashlib.sha256(value).hexdigest()
