"""Reading topics from their first record to their end, and on from there, for who must not miss a record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from infra.kafka import assigned, settled_end
from infra.registry import learn_schema
from infra.settings import Settings
from schemas.envelope import LedgerRecord, Record
from schemas.errors import ContractError, InfrastructureError
from schemas.serde import Codec, UnknownSchemaError
from schemas.topics import TopicSpec

_BATCH = 2_000
_IDLE = 60  # polls of half a second without a record; a transaction left open hides what follows for its time-out


class WholeLog:
    """Records of topics that are one partition a shard; each call of `catch_up` goes on where the last one ended."""

    def __init__(self, settings: Settings, codec: Codec, topics: Sequence[TopicSpec]) -> None:
        self._settings = settings
        self._codec = codec
        places = [TopicPartition(topic.name, shard) for topic in topics for shard in range(settings.shards)]
        self._numbers = dict.fromkeys(places, 0)
        self._positions: dict[TopicPartition, int | None] = dict.fromkeys(places, 0)

    async def catch_up(self) -> AsyncIterator[Record]:
        """Everything up to the ends as they are now; bytes that are no record are passed over.

        Raises `ContractError` if the ledger has a hole, `InfrastructureError` when Kafka is away or gives nothing.
        """
        try:
            async for record in self._read():
                yield record
        except KafkaError as error:
            raise InfrastructureError(f"Kafka at {self._settings.kafka}: {error!r}") from error

    async def _read(self) -> AsyncIterator[Record]:
        ends = await settled_end(self._settings.kafka, self._positions)
        async with assigned(self._settings.kafka, dict(self._positions), auto_offset_reset="earliest") as consumer:
            idle = 0
            while waiting := [place for place in ends if await consumer.position(place) < ends[place]]:
                batches = await consumer.getmany(*waiting, timeout_ms=500, max_records=_BATCH)
                idle = 0 if batches else idle + 1
                if idle > _IDLE:
                    raise InfrastructureError(f"{waiting[0].topic}: nothing to read before offset {ends[waiting[0]]}")
                for place, messages in batches.items():
                    for message in messages:
                        record = await decoded(self._settings, self._codec, message.value, place.topic)
                        if isinstance(record, LedgerRecord):
                            before = self._numbers[place]
                            self._numbers[place] = next_number(place, message.offset, before, record)
                        if record is not None:
                            yield record
                    self._positions[place] = messages[-1].offset + 1


def next_number(place: TopicPartition, offset: int, before: int, record: LedgerRecord) -> int:
    """The record's number in its partition, after `before`.

    Raises `ContractError` when a number is missing: it is that of a record nobody could read. One that came before is old.
    """
    found = record.stamp.partition_seq
    if found > before + 1:
        where = f"{place.topic}[{place.partition}]@{offset}"
        raise ContractError(f"{where} is record {found}, but {before + 1} is missing; nothing is deleted")
    return max(before, found)


async def decoded(settings: Settings, codec: Codec, value: bytes | None, topic: str) -> Record | None:
    """The record, None for bytes that are none."""
    try:
        try:
            return codec.decode(value, topic)
        except UnknownSchemaError as unknown:
            await learn_schema(codec, settings, unknown)
            return codec.decode(value, topic)
    except ContractError:
        return None
