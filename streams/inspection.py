"""Letters for the topics of which nobody keeps a position: what no reader of them can use is kept, once.

The API, the devices and the coordinators read these topics from some moment on, each process for itself, and go past what
they cannot decode. One process of the group `dead-letters` reads them whole, so a record becomes a letter although
nobody looked at it, and one letter although many did.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from infra.dead_letter_writer import LetterWriter
from infra.dead_letters import Unusable
from infra.kafka import consuming
from infra.retrying import is_away, until_done
from infra.settings import Settings
from projections.tables import PROJECTED
from schemas.errors import ContractError, InfrastructureError
from schemas.serde import Codec, UnknownSchemaError
from schemas.topics import REPORTS, REQUESTS, TOPICS, TopicSpec
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

Unreadable = tuple[Unusable, Exception]


class Inspector:
    """One member of the group."""

    def __init__(self, settings: Settings, codec: Codec) -> None:
        self._settings = settings
        self._codec = codec
        self._letters = LetterWriter(settings.kafka, READER)

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
                for messages in (await consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)).values():
                    await self._letters.write(await self._unreadable(messages))
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
        """Raises `ContractError` for what nobody can read; waits while the registry is away and needed.

        Nearly every record needs no registry.
        """
        with suppress(UnknownSchemaError):
            self._codec.decode(message.value, message.topic)
            return
        await until_done(
            lambda: decode(self._codec, self._settings, message.value, message.topic), is_away, wait_max=2.0
        )


async def _commit(consumer: AIOKafkaConsumer, done: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Keep the positions of the group when they moved; everything before them is inspected."""
    positions = {place: int(await consumer.position(place)) for place in consumer.assignment()}
    if moved := {place: at for place, at in positions.items() if done.get(place) != at}:
        await consumer.commit(moved)
    return positions
