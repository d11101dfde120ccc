"""Records no reader can use, kept with their original bytes and headers on `dead.letters`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import stamina
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Struct

from infra.dead_letters import dead_letter_headers, dead_letter_value
from infra.kafka import assigned, committed_end, send
from infra.settings import Settings
from projections.apply import DeadLetter
from schemas.errors import ContractError, InfrastructureError
from schemas.topics import DEAD_LETTERS

log = logging.getLogger(__name__)
READER = "read-models"


def letter_key(letter: DeadLetter) -> str:
    """Key of a letter: where the record was, so that a letter sent twice is recognised."""
    return f"{letter.topic}-{letter.partition}-{letter.delivered.offset}"


class Original(Struct, frozen=True, kw_only=True):
    """A letter's record as a consumer delivered it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def original(letter: DeadLetter) -> Original:
    """The record with its place."""
    item = letter.delivered
    return Original(
        topic=letter.topic,
        partition=letter.partition,
        offset=item.offset,
        key=item.key,
        value=item.value,
        headers=item.headers,
    )


class DeadLetterOffice:
    """Sends letters and waits until they are stored; each record becomes a letter once, across restarts too."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._settings = settings
        self._producer = producer
        self._sent: set[str] | None = None
        self._lock = asyncio.Lock()

    async def __call__(self, letters: Sequence[DeadLetter]) -> None:
        """Keep the letters. Tries for 20 s; raises `InfrastructureError` when the broker stays away."""
        async with self._lock:
            if self._sent is None:
                self._sent = await self._known()
            for letter in letters:
                key = letter_key(letter)
                if key not in self._sent:
                    log.error("dead letter %s: %s", key, letter.error)
                    await self._send(letter, key)
                    self._sent.add(key)

    async def _send(self, letter: DeadLetter, key: str) -> None:
        record = original(letter)
        async for attempt in stamina.retry_context(on=InfrastructureError, attempts=None, timeout=20, wait_max=1):
            with attempt:
                await send(
                    self._producer,
                    DEAD_LETTERS.name,
                    dead_letter_value(record) or b"",
                    key=key,
                    partition=0,
                    headers=dead_letter_headers(record, ContractError(letter.error), READER),
                )

    async def _known(self) -> set[str]:
        """Keys of the letters already there."""
        tp = TopicPartition(DEAD_LETTERS.name, 0)
        try:
            async with assigned(self._settings.kafka, {tp: None}) as consumer:
                end = (await committed_end(consumer, [tp]))[tp]
                await consumer.seek_to_beginning(tp)
                keys: set[str] = set()
                while await consumer.position(tp) < end:
                    for record in (await consumer.getmany(tp, timeout_ms=500)).get(tp, []):
                        keys.add((record.key or b"").decode("utf-8", "replace"))
                return keys
        except KafkaError as error:
            raise InfrastructureError(f"Kafka at {self._settings.kafka}: {error!r}") from error
