"""The agent's consumer: started for one lease and stopped whatever state the broker is in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer

from infra.kafka import create_consumer

log = logging.getLogger(__name__)


@asynccontextmanager
async def consuming(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A started consumer. Raises `KafkaError` when no broker answers; its stop never hides why the block ended."""
    consumer = create_consumer(bootstrap)
    try:
        await consumer.start()
        yield consumer
    finally:
        await stop_consumer(consumer)


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, in a task of its own.

    aiokafka's `stop` cancels its fetches and awaits them. One that is pausing after a lost connection answers with
    `CancelledError`, which leaves `stop` half done and, here, would look like the end of the agent.
    """
    stopping = asyncio.create_task(consumer.stop(), name="stop consumer")
    await asyncio.wait({stopping})
    if stopping.cancelled() or stopping.exception() is not None:
        log.info("the consumer did not stop cleanly; its connections are closed")
        await consumer._client.close()  # noqa: SLF001 - a second `stop` returns at once and closes nothing
