"""Letters for the topics of which nobody keeps a position: what no reader of them can use is kept, once.

The API, the devices and the coordinators read these topics from some moment on, each process for itself, and go past what
they cannot decode. One process of the group `dead-letters` reads them whole, so a record becomes a letter although
nobody looked at it, and one letter although many did.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import stamina
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from infra.dead_letter_keys import LetterKeys, letter_key
from infra.dead_letters import dead_letter_headers, dead_letter_value
from infra.kafka import consuming, create_producer
from infra.settings import Settings
from projections.tables import PROJECTED
from schemas.errors import ContractError, InfrastructureError
from schemas.serde import Codec
from schemas.topics import DEAD_LETTERS, REPORTS, REQUESTS, TOPICS, TopicSpec
from streams.decoding import decode

log = logging.getLogger(__name__)
KEPT_BY_OTHERS = (REQUESTS, REPORTS, *PROJECTED)  # by the coordinator in its transactions, by the read models
INSPECTED: tuple[TopicSpec, ...] = tuple(t for t in TOPICS if t.records and t not in KEPT_BY_OTHERS)
GROUP = "dead-letters"
READER = "inspector"
_SESSION_MS = 6_000
_NEVER_MS = 2**31  # a registry that is away holds the reading for as long
_POLL_MS = 1_000  # nobody waits for a letter: few large fetches cost less
_FETCH_BYTES = 65_536
_BATCH = 2_000
_SLICE = 100  # records that are decoded without letting others run
_PAUSE = 1.0
_TIMEOUT = 20.0

Unreadable = tuple[ConsumerRecord, ContractError]


class Inspector:
    """One member of the group."""

    def __init__(self, settings: Settings, codec: Codec) -> None:
        self._settings = settings
        self._codec = codec
        self._keys = LetterKeys(settings.kafka)

    async def run(self) -> None:
        """Inspect for ever; outages and losses of the partitions begin anew at the positions of the group."""
        while True:
            try:
                await self._session()
            except (KafkaError, InfrastructureError, OSError, TimeoutError) as error:
                log.warning("%r; the inspection begins anew", error)
                await asyncio.sleep(_PAUSE)

    async def _session(self) -> None:
        async with consuming(
            self._settings.kafka,
            group_id=GROUP,
            auto_offset_reset="earliest",
            session_timeout_ms=_SESSION_MS,
            heartbeat_interval_ms=_POLL_MS,
            max_poll_interval_ms=_NEVER_MS,
            fetch_max_wait_ms=_POLL_MS,
            fetch_min_bytes=_FETCH_BYTES,
        ) as consumer:
            consumer.subscribe([topic.name for topic in INSPECTED])
            done: dict[TopicPartition, int] = {}
            while True:
                for place, messages in (await consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)).items():
                    if bad := await self._unreadable(messages):
                        await self._bury(place, bad)
                done = await _commit(consumer, done)

    async def _unreadable(self, messages: Sequence[ConsumerRecord]) -> list[Unreadable]:
        found: list[Unreadable] = []
        for number, message in enumerate(messages, 1):
            try:
                await self._decode(message)
            except ContractError as error:
                found.append((message, error))
            if number % _SLICE == 0:
                await asyncio.sleep(0)
        return found

    async def _decode(self, message: ConsumerRecord) -> None:
        """Raises `ContractError` for what nobody can read; waits while the registry is away and needed."""
        async for attempt in stamina.retry_context(InfrastructureError, attempts=None, timeout=None, wait_max=2.0):
            with attempt:
                await decode(self._codec, self._settings, message.value, message.topic)

    async def _bury(self, place: TopicPartition, bad: Sequence[Unreadable]) -> None:
        """Fence whoever inspected the partition before, look which letters are there, write the others."""
        async with asyncio.timeout(_TIMEOUT), _fencing(self._settings.kafka, place) as producer:
            await self._keys.read_on()
            missing = [(message, error) for message, error in bad if letter_key(message) not in self._keys]
            if not missing:
                return
            async with producer.transaction():
                for message, error in missing:
                    log.error("dead letter %s: %s", letter_key(message), error)
                    await producer.send(
                        DEAD_LETTERS.name,
                        dead_letter_value(message),
                        key=letter_key(message).encode(),
                        partition=0,
                        headers=dead_letter_headers(message, error, READER),
                    )
        for message, _ in missing:
            self._keys.add(letter_key(message))


@asynccontextmanager
async def _fencing(bootstrap: str, place: TopicPartition) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that is the only one for the letters of a partition from its start on."""
    producer = create_producer(bootstrap, f"{GROUP}-{place.topic}-{place.partition}", transaction_timeout_ms=10_000)
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


async def _commit(consumer: AIOKafkaConsumer, done: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Keep the positions of the group when they moved; everything before them is inspected."""
    positions = {place: int(await consumer.position(place)) for place in consumer.assignment()}
    if moved := {place: at for place, at in positions.items() if done.get(place) != at}:
        await consumer.commit(moved)
    return positions
