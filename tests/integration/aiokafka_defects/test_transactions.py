"""Behaviour of transactions that shaped ours. A test that fails means: upstream changed, look at the decision again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import ProducerFenced
from aiokafka.structs import OffsetAndMetadata

from infra.kafka import assigned, committed_end, create_producer, written_end
from tests.integration.aiokafka_defects.conftest import WAIT, eventually, new_topic

UNCOMMITTED: dict[str, Any] = {"isolation_level": "read_uncommitted"}
TRIES = 400
WIDTH = 32  # partitions a transaction writes to


async def test_a_transaction_left_open_hides_what_comes_after_it(
    bootstrap: str, partition: TopicPartition, producer: AIOKafkaProducer
) -> None:
    """Guards the topics' split by writer, the static transactional ids and the two ends of `infra.kafka`.

    What must be timely shares no partition with somebody's transaction: one that its writer left open holds every later
    record back until it times out or the next holder of the id fences it. `committed_end` stands before it, `written_end` behind.
    """
    name = f"holder-of-{partition.topic}"
    dead = create_producer(bootstrap, name, transaction_timeout_ms=60_000)
    await dead.start()
    await dead.begin_transaction()
    await dead.send_and_wait(partition.topic, b"never committed", partition=0)
    await producer.send_and_wait(partition.topic, b"hidden", partition=0)
    async with (
        assigned(bootstrap, {partition: 0}) as reader,
        assigned(bootstrap, {}, **UNCOMMITTED) as uncommitted,
    ):
        assert (await committed_end(reader, [partition]))[partition] == 0
        assert (await written_end(uncommitted, [partition]))[partition] == 2
        assert await reader.getmany(timeout_ms=500) == {}
        heir = create_producer(bootstrap, name)
        await heir.start()
        assert (await asyncio.wait_for(reader.getone(), WAIT)).value == b"hidden"
        with pytest.raises(ProducerFenced):
            await dead.commit_transaction()
        await heir.stop()
    await dead.stop()


async def test_a_commit_is_acknowledged_before_its_records_can_be_read(
    bootstrap: str, admin: AIOKafkaAdminClient
) -> None:
    """Guards `settled_end` and read-your-writes by `written_end`: the answer to a commit comes before its markers."""
    late = tries = 0
    async with new_topic(admin, WIDTH) as name:
        producer = create_producer(bootstrap, f"writer-of-{name}")
        await producer.start()
        places = {TopicPartition(name, number): None for number in range(WIDTH)}
        async with assigned(bootstrap, dict(places)) as reader:
            while late == 0 and tries < TRIES:
                tries += 1
                async with producer.transaction():
                    sent = [await producer.send(name, b"", partition=place.partition) for place in places]
                    offsets = {place: (await future).offset for place, future in zip(places, sent, strict=True)}
                ends = await committed_end(reader, places)
                late += any(ends[place] <= offset for place, offset in offsets.items())
        await producer.stop()
    print(f"{late} of {tries} commits were not readable at once")
    assert late


async def test_offsets_of_a_group_are_taken_from_those_who_are_no_members(
    bootstrap: str, partition: TopicPartition
) -> None:
    """Guards manual assignment with static transactional ids: aiokafka sends no generation, so the group fences no zombie."""
    group = f"group-{partition.topic}"
    member = AIOKafkaConsumer(partition.topic, bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    outsider = create_producer(bootstrap, f"outsider-of-{partition.topic}")
    await member.start()
    await outsider.start()

    async def joined() -> bool:
        return partition in member.assignment()

    try:
        await eventually(joined)
        async with outsider.transaction():
            await outsider.send_offsets_to_transaction({partition: OffsetAndMetadata(7, "")}, group)

        async def moved() -> bool:
            return bool(await member.committed(partition) == 7)

        await eventually(moved)
    finally:
        await outsider.stop()
        await member.stop()
