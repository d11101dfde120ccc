"""Defects of Faust seen on a real broker. A test that fails means: upstream changed, look at the decision again."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.kafka import assigned, create_producer
from infra.local.stack import LocalStack

WAIT = 60.0


@pytest.fixture
async def topic(stack: LocalStack) -> AsyncIterator[str]:
    name = f"faust-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.settings.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    yield name
    await admin.delete_topics([name])
    await admin.close()


@pytest.fixture
async def producer(stack: LocalStack) -> AsyncIterator[AIOKafkaProducer]:
    made = create_producer(stack.settings.kafka)
    await made.start()
    yield made
    await made.stop()


def app_of(stack: LocalStack, name: str, folder: Path) -> faust.App:
    return faust.App(
        name,
        broker=f"kafka://{stack.settings.kafka}",
        datadir=str(folder),
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        broker_commit_interval=0.1,
        consumer_auto_offset_reset="earliest",
        value_serializer="raw",
        key_serializer="raw",
    )


@asynccontextmanager
async def running(app: faust.App) -> AsyncIterator[None]:
    starting = asyncio.create_task(app.start())
    try:
        yield
    finally:
        await app.stop()
        await asyncio.gather(starting, return_exceptions=True)


async def test_an_event_whose_handler_raised_is_acknowledged(
    stack: LocalStack, topic: str, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    """Guards "an unexpected error ends the process" and the feed that acknowledges only after PostgreSQL's commit."""
    for number in range(5):
        await producer.send_and_wait(topic, b"%d" % number, partition=0)
    group, seen, last = f"group-{topic}", [], asyncio.Event()
    app = app_of(stack, group, tmp_path)

    async def handle(stream: Any) -> None:
        async for value in stream:
            seen.append(value)
            if value == b"2":
                raise ValueError(value)
            if value == b"4":
                last.set()

    app.agent(app.topic(topic), name="raises", concurrency=1)(handle)
    async with running(app), asyncio.timeout(WAIT):
        await last.wait()
        place = TopicPartition(topic, 0)
        async with assigned(stack.settings.kafka, {place: None}, group_id=group) as consumer:
            while await consumer.committed(place) != 5:
                await asyncio.sleep(0.05)
    assert seen == [b"0", b"1", b"2", b"3", b"4"], "the event that failed came once and is behind the committed offset"
