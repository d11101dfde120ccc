"""Writing letters to `dead.letters` so that each record becomes one, whichever process meets it and however often."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from infra.dead_letter_keys import PATIENCE, LetterKeys, letter_key
from infra.dead_letters import Unusable, dead_letter_headers, dead_letter_value
from infra.kafka import create_producer
from schemas.errors import InfrastructureError
from schemas.topics import DEAD_LETTERS

log = logging.getLogger(__name__)
ID = "dead-letters"
TRANSACTION_MS = 10_000


class LetterWriter:
    """Letters of one reader of topics (`dlq.reader`).

    A reader that lost its place (its lock, its membership) may not know it yet, and what it has sent may still arrive. So
    whoever writes first fences all who wrote letters of that partition before, then looks which letters are there, then
    writes the others in one transaction.
    """

    def __init__(self, bootstrap: str, reader: str) -> None:
        self._bootstrap, self._reader = bootstrap, reader
        self._keys = LetterKeys(bootstrap)
        self._lock = asyncio.Lock()

    async def write(self, bad: Sequence[tuple[Unusable, Exception]]) -> None:
        """Keep records of one partition, each with why it cannot be used.

        Raises `InfrastructureError` when that was not confirmed within 20 s, or when another process began to write letters
        of the partition meanwhile; calling again is safe.
        """
        if not bad:
            return
        topic, partition = bad[0][0].topic, bad[0][0].partition
        try:
            async with self._lock, asyncio.timeout(PATIENCE), fencing(self._bootstrap, topic, partition) as producer:
                await self._keys.read_on()
                missing = {letter_key(message): (message, error) for message, error in bad}
                missing = {key: found for key, found in missing.items() if key not in self._keys}
                if missing:
                    await self._send(producer, missing)
        except (KafkaError, OSError) as error:  # a TimeoutError is an OSError
            raise InfrastructureError(f"Kafka did not take the dead letters of {topic}: {error!r}") from error

    async def _send(self, producer: AIOKafkaProducer, missing: dict[str, tuple[Unusable, Exception]]) -> None:
        async with producer.transaction():
            for key, (message, error) in missing.items():
                log.error("dead letter %s: %s", key, error)
                headers = dead_letter_headers(message, error, self._reader)
                value = dead_letter_value(message)
                await producer.send(DEAD_LETTERS.name, value, key=key.encode(), partition=0, headers=headers)
        for key in missing:
            self._keys.add(key)


@asynccontextmanager
async def fencing(bootstrap: str, topic: str, partition: int) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that, from its start on, is the only one for the letters of a partition of that topic."""
    producer = create_producer(bootstrap, f"{ID}-{topic}-{partition}", transaction_timeout_ms=TRANSACTION_MS)
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()
