"""What the coordinator relies on in aiokafka and the broker; a new version that behaves otherwise must not go unnoticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import ProducerFenced

from infra.kafka import assigned, create_producer, settled_end
from schemas.ids import new_id
from streams.membership import Membership
from tests.integration.coordinator.desk import Coordinator, Desk, eventually

PLACES = 3


@pytest.fixture
async def topic(desk: Desk) -> AsyncIterator[str]:
    """A topic of three partitions."""
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=desk.settings.kafka)
    await admin.start()
    name = f"test-{new_id()}"
    await admin.create_topics([NewTopic(name, PLACES, 1)])
    yield name
    await admin.delete_topics([name])
    await admin.close()


async def producer_of(desk: Desk, transactional_id: str) -> AIOKafkaProducer:
    producer = create_producer(desk.settings.kafka, transactional_id, transaction_timeout_ms=15_000)
    await producer.start()
    return producer


async def committed(desk: Desk, topic: str) -> list[bytes]:
    """Values that a read_committed consumer is given when it reads to the written end."""
    places = [TopicPartition(topic, number) for number in range(PLACES)]
    ends = await settled_end(desk.settings.kafka, places)
    found: list[bytes] = []
    async with assigned(desk.settings.kafka, dict.fromkeys(places, 0)) as consumer:
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += [message.value for message in batch]
    return found


async def _commit_late(older: AIOKafkaProducer, topic: str, when: str) -> None:
    if when == "idle":
        await older.begin_transaction()
    if when != "before committing":
        await (await older.send(topic, b"of the older", partition=0))
    await older.commit_transaction()


@pytest.mark.parametrize("when", ["before sending", "before committing", "idle"])
async def test_a_newer_producer_of_the_id_fences_the_older_one(desk: Desk, topic: str, when: str) -> None:
    name = new_id()
    older = await producer_of(desk, name)
    if when != "idle":
        await older.begin_transaction()
    if when == "before committing":
        await (await older.send(topic, b"of the older", partition=0))
    newer = await producer_of(desk, name)
    with pytest.raises(ProducerFenced):
        await _commit_late(older, topic, when)
    async with newer.transaction():
        await newer.send(topic, b"of the newer", partition=0)
    assert await committed(desk, topic) == [b"of the newer"]
    await older.stop()
    await newer.stop()


async def test_starting_a_producer_ends_what_an_older_one_left_open(desk: Desk, topic: str) -> None:
    """A takeover must not wait for the time-out of a transaction: all partitions are free once `start` has returned."""
    name = new_id()
    older = await producer_of(desk, name)
    await older.begin_transaction()
    for number in range(PLACES):
        await (await older.send(topic, b"never committed", partition=number))
    newer = await producer_of(desk, name)
    assert await asyncio.wait_for(committed(desk, topic), 10) == []
    await older.stop()
    await newer.stop()


async def test_later_producers_of_an_id_have_higher_epochs(desk: Desk) -> None:
    """By them the group tells the coordinator that decides from one that only believes so."""
    name, found = new_id(), []
    for _ in range(3):
        producer = await producer_of(desk, name)
        manager = producer._txn_manager
        found.append((manager.producer_id, manager.producer_epoch))
        await producer.stop()
    assert found == sorted(set(found))


async def test_offsets_of_sent_records_are_known_once_committed(desk: Desk, topic: str) -> None:
    """Positions of a snapshot are these offsets: reading on behind one finds exactly what came later."""
    producer = await producer_of(desk, new_id())
    async with producer.transaction():
        first = [await producer.send(topic, b"first", partition=0) for _ in range(3)]
    async with producer.transaction():
        await producer.send(topic, b"later", partition=0)
    await producer.stop()
    offset = (await first[-1]).offset + 1
    place = TopicPartition(topic, 0)
    async with assigned(desk.settings.kafka, {place: offset}) as consumer:
        message = await asyncio.wait_for(consumer.getone(), 30)
    assert message.value == b"later"
    assert message.offset > offset, "the end of a transaction takes an offset of its own"


async def test_the_member_that_decides_keeps_the_partition_when_others_join(desk: Desk, process: Coordinator) -> None:
    """The product's own assignor through the real group protocol; the group's topics are read by nobody here."""
    await process.kill()
    members = [Membership(desk.settings, 0) for _ in range(3)]
    deciding, warm, cold = members
    tasks = []
    try:
        deciding.producer = (2**40, 0)
        for member in members:
            await member.join()
            tasks.append(asyncio.create_task(member.keep()))
            await asyncio.wait_for(member.answered(), 30)
        warm.warm = True
        await eventually(lambda: [member.holds for member in members] == [True, False, False])
        await deciding.leave()
        await asyncio.wait_for(warm.given(), 30)
        assert cold.holds is False
    finally:
        for member in members:
            await member.leave()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
