"""The log itself repeats and reorders what came, and clients storm the API."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence

from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition

from infra.kafka import assigned, committed_end
from schemas.topics import HEARTBEATS, REPORTS, REQUESTS
from tests.faults.harness.arena import LARGEST_RECORD, Arena
from tests.faults.harness.journal import Injection, Poison
from tests.faults.harness.load.crowd import Crowd

Inject = Callable[[Arena, Injection], Awaitable[None]]
RECENT = 40  # records of a topic that are sent again
STORM, RACE = 100, 40  # posts
_TOPICS = (REQUESTS.name, REPORTS.name, HEARTBEATS.name)


async def duplicates(arena: Arena, injection: Injection) -> None:
    """The newest requests, reports and heartbeats once more, byte for byte."""
    await _again(arena, injection, reordered=False)


async def reordered(arena: Arena, injection: Injection) -> None:
    """The same, shuffled."""
    await _again(arena, injection, reordered=True)


async def _again(arena: Arena, injection: Injection, *, reordered: bool) -> None:
    await arena.until(lambda: not arena.broker_away)
    chance = random.Random(injection.fault.seed)
    poisoned = {(p.topic, p.offset) for p in arena.journal.poison}
    producer = AIOKafkaProducer(bootstrap_servers=arena.settings.kafka, acks="all", max_request_size=LARGEST_RECORD)
    await producer.start()
    sent = 0
    try:
        for topic in _TOPICS:
            records = await newest(arena.settings.kafka, topic, RECENT)
            if reordered:
                chance.shuffle(records)
            for record in records:
                headers = list(record.headers)
                again = await producer.send_and_wait(topic, record.value, key=record.key, partition=0, headers=headers)
                if (topic, record.offset) in poisoned:
                    arena.journal.poison.append(Poison(topic=topic, partition=0, offset=again.offset, shape="again"))
            sent += len(records)
    finally:
        await producer.stop()
    injection.note = f"{sent} records"


async def newest(bootstrap: str, topic: str, count: int) -> list[ConsumerRecord]:
    """The last committed records of partition 0 of a topic, at most `count`, oldest first."""
    place = TopicPartition(topic, 0)
    async with assigned(bootstrap, {place: 0}, auto_offset_reset="earliest") as consumer:
        end = (await committed_end(consumer, [place]))[place]
        begin = int((await consumer.beginning_offsets([place]))[place])
        consumer.seek(place, max(begin, end - count))
        found: list[ConsumerRecord] = []
        while await consumer.position(place) < end:
            batches: Sequence[Sequence[ConsumerRecord]] = list((await consumer.getmany(timeout_ms=200)).values())
            found += [record for batch in batches for record in batch]
    return found[:count]


def storm(crowd: Crowd) -> Inject:
    """100 posts at once under one key."""

    async def inject(arena: Arena, injection: Injection) -> None:
        injection.note = f"{STORM} posts under one key"
        arena.background(crowd.storm(STORM), "same-key storm")

    return inject


def race(crowd: Crowd) -> Inject:
    """Many posts at once of an account with little left."""

    async def inject(arena: Arena, injection: Injection) -> None:
        injection.note = f"{RACE} posts of an account that may have 20 pictures"
        arena.background(crowd.race(RACE), "quota race")

    return inject
