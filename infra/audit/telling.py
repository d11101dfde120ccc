"""A story read from the log of a running system, in one pass over its topics."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from infra.audit.events import Raw
from infra.audit.reading import PATIENCE, Moved, raw_of, unseen
from infra.audit.story import FIRST, THEN, Subject, Told
from infra.kafka import assigned, settled_end
from infra.kafka_admin import partitions_of
from infra.registry import learn_schema_blocking, load_codec
from infra.settings import Settings
from schemas.envelope import Record
from schemas.errors import ContractError, InfrastructureError
from schemas.serde import Codec, UnknownSchemaError

_POLL_MS = 200
_BATCH = 2_000


class TooLongError(ContractError):
    """The story has more records than were asked for."""


async def tell(settings: Settings, subject: Subject, most: int, moved: Moved = unseen) -> list[Told]:
    """The records of the story; what nobody can read is passed over.

    Raises `TooLongError` beyond `most` records, `InfrastructureError` when Kafka or the registry is away.
    """
    reader = _Reader(settings, await load_codec(settings), subject, most)
    try:
        groups = [await partitions_of(settings.kafka, [spec.name for spec in group]) for group in (FIRST, THEN)]
        ends = await settled_end(settings.kafka, [place for group in groups for place in group])
        whole, read = sum(ends.values()), 0
        for group in groups:
            async for read_now in reader.read({place: ends[place] for place in group if ends[place]}):
                moved(read + read_now, whole)
            read += sum(ends[place] for place in group)
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {settings.kafka}: {error!r}") from error
    return reader.story


class _Reader:
    """Collects what belongs to the story."""

    def __init__(self, settings: Settings, codec: Codec, subject: Subject, most: int) -> None:
        self.story: list[Told] = []
        self._settings = settings
        self._codec = codec
        self._subject = subject
        self._most = most

    async def read(self, ends: Mapping[TopicPartition, int]) -> AsyncIterator[int]:
        """Read these partitions to their ends; yields now and then how many offsets lie behind."""
        waiting, since = set(ends), time.monotonic()
        positions: dict[TopicPartition, int | None] = dict.fromkeys(ends, 0)
        async with assigned(self._settings.kafka, positions, auto_offset_reset="earliest") as consumer:
            while waiting:
                batches = await consumer.getmany(*waiting, timeout_ms=_POLL_MS, max_records=_BATCH)
                for place, messages in batches.items():
                    for message in messages:
                        if message.offset < ends[place]:
                            self._take(raw_of(message))
                done = {place: await consumer.position(place) for place in ends}
                waiting = {place for place in waiting if done[place] < ends[place]}
                yield sum(min(done[place], ends[place]) for place in ends)
                if batches:
                    since = time.monotonic()
                elif time.monotonic() - since > PATIENCE:
                    raise InfrastructureError(f"nothing more to read of {', '.join(sorted(p.topic for p in waiting))}")

    def _take(self, raw: Raw) -> None:
        record = self._record(raw)
        if record is None or not self._subject.has(record):
            return
        self.story.append(Told(raw, record))
        if len(self.story) > self._most:
            raise TooLongError(
                f"the story has more than {self._most:,} records: ask for more with --limit, or for less"
            )

    def _record(self, raw: Raw) -> Record | None:
        try:
            try:
                return self._codec.decode(raw.value, raw.topic)
            except UnknownSchemaError as unknown:
                learn_schema_blocking(self._codec, self._settings, unknown)
                return self._codec.decode(raw.value, raw.topic)
        except ContractError:
            return None
