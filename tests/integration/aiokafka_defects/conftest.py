"""A topic of its own for every test, on the shared broker."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.kafka import create_producer
from infra.local.stack import LocalStack

WAIT = 60.0  # seconds a condition may take on a busy machine


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(WAIT):
        while not await condition():
            await asyncio.sleep(0.05)


@pytest.fixture
def bootstrap(stack: LocalStack) -> str:
    return stack.settings.kafka


@pytest.fixture
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    yield client
    await client.close()


@asynccontextmanager
async def new_topic(admin: AIOKafkaAdminClient, partitions: int) -> AsyncIterator[str]:
    """A topic that can be written to, deleted afterwards."""
    name = f"defects-{uuid.uuid4().hex}"
    await admin.create_topics([NewTopic(name, partitions, 1)])

    async def led() -> bool:
        [topic] = await admin.describe_topics([name])
        return topic["error_code"] == 0 and all(p["leader"] >= 0 for p in topic["partitions"])

    await eventually(led)
    yield name
    await admin.delete_topics([name])


@pytest.fixture
async def partition(admin: AIOKafkaAdminClient) -> AsyncIterator[TopicPartition]:
    """The only partition of a new topic."""
    async with new_topic(admin, 1) as name:
        yield TopicPartition(name, 0)


@pytest.fixture
async def producer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    made = create_producer(bootstrap)
    await made.start()
    yield made
    await made.stop()
