"""Records no reader can use, kept with their original bytes and headers on `dead.letters`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from msgspec import Struct

from infra.dead_letter_keys import PATIENCE, LetterKeys, letter_key
from infra.dead_letters import dead_letter_headers, dead_letter_value
from infra.settings import Settings
from projections.apply import DeadLetter
from schemas.errors import ContractError, InfrastructureError
from schemas.topics import DEAD_LETTERS

log = logging.getLogger(__name__)
READER = "read-models"


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
    """Sends letters and waits until they are stored; each record becomes a letter once, whichever process met it first.

    Whoever meets a record again looks first whether its letter is there. An attempt without an answer is waited for and
    never repeated, because it may still arrive.
    """

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._keys = LetterKeys(settings.kafka)
        self._under_way: dict[str, asyncio.Future[Any]] = {}
        self._lock = asyncio.Lock()

    async def __call__(self, letters: Sequence[DeadLetter]) -> None:
        """Keep the letters.

        Tries for 20 s, then raises `InfrastructureError`: the broker is away. `RuntimeError` means that the producer is
        broken, which only a new process cures.
        """
        async with self._lock:
            waiting = {letter_key(original(letter)): letter for letter in letters}
            if any(key not in self._keys for key in waiting):
                await self._keys.read_on()
            for key, letter in waiting.items():
                if key not in self._keys:
                    await self._send(letter, key)
                    self._keys.add(key)

    async def _send(self, letter: DeadLetter, key: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                if key not in self._under_way:
                    log.error("dead letter %s: %s", key, letter.error)
                    self._under_way[key] = await self._hand_over(letter, key)
                await asyncio.shield(self._under_way[key])
        except TimeoutError as error:
            raise InfrastructureError(f"Kafka did not take dead letter {key} within {PATIENCE:g} s") from error
        except KafkaError as error:
            raise RuntimeError(f"the producer of dead letters cannot go on: {error!r}") from error
        del self._under_way[key]

    async def _hand_over(self, letter: DeadLetter, key: str) -> asyncio.Future[Any]:
        record = original(letter)
        future: asyncio.Future[Any] = await self._producer.send(
            DEAD_LETTERS.name,
            dead_letter_value(record),
            key=key.encode(),
            partition=0,
            headers=dead_letter_headers(record, ContractError(letter.error), READER),
        )
        return future
