"""Which letters there are on `dead.letters`, so that a record which is met again becomes no second one."""

from __future__ import annotations

import asyncio

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from infra.dead_letters import Unusable
from infra.kafka import assigned, settled_end
from schemas.errors import InfrastructureError
from schemas.topics import DEAD_LETTERS

PATIENCE = 20.0  # seconds
BOX = TopicPartition(DEAD_LETTERS.name, 0)


def letter_key(message: Unusable) -> str:
    """Key of a letter: where the record was."""
    return f"{message.topic}-{message.partition}-{message.offset}"


class LetterKeys:
    """The keys met so far; `key in keys` tells whether a letter was there at the last `read_on`."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._there: set[str] = set()
        self._next = 0  # offset up to which the keys are known

    def __contains__(self, key: str) -> bool:
        return key in self._there

    def add(self, key: str) -> None:
        """A letter that was written by the caller."""
        self._there.add(key)

    async def read_on(self) -> None:
        """Learn the keys of all letters acknowledged before this call. Raises `InfrastructureError` after 20 s."""
        try:
            async with asyncio.timeout(PATIENCE), assigned(self._bootstrap, {BOX: None}) as consumer:
                begin = int((await consumer.beginning_offsets([BOX]))[BOX])
                end = (await settled_end(self._bootstrap, [BOX]))[BOX]
                consumer.seek(BOX, min(max(begin, self._next), end))
                while await consumer.position(BOX) < end:
                    for record in (await consumer.getmany(BOX, timeout_ms=500)).get(BOX, []):
                        self.add((record.key or b"").decode("utf-8", "replace"))
                self._next = end
        except (KafkaError, TimeoutError) as error:
            raise InfrastructureError(f"Kafka at {self._bootstrap}: {error!r}") from error
