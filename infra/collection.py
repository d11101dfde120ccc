"""Garbage collection of the object store: what the log does not need is found, and deleted when asked to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import groupby

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Struct

from infra.kafka import assigned, settled_end
from infra.object_store.garbage import TOPICS, UPLOAD_GRACE, Inventory, Reason
from infra.object_store.port import ObjectStore
from infra.registry import learn_schema, load_codec
from infra.settings import Settings
from schemas.envelope import LedgerRecord, Record
from schemas.errors import ContractError, InfrastructureError
from schemas.serde import Codec, UnknownSchemaError

_BATCH = 2_000
_IDLE = 60  # polls of half a second without a record; a transaction left open hides what follows for its time-out


class Garbage(Struct, frozen=True, kw_only=True):
    """An object that nobody needs; `size` in bytes."""

    key: str
    size: int
    reason: Reason


async def find_garbage(settings: Settings, store: ObjectStore, grace_s: float) -> list[Garbage]:
    """Objects older than `grace_s` seconds that may go, uploads only when older than 72 h as well; in order of keys.

    The store is listed first and the log read afterwards, so that whatever names a listed object has been seen. Raises
    `ContractError` if the log has a hole: a missing record might name what would be deleted.
    """
    old = [item async for item in store.list(older_than_s=grace_s)]
    uploads = {item.key async for item in store.list("accounts/", older_than_s=max(grace_s, UPLOAD_GRACE))}
    inventory = Inventory()
    try:
        async for record in _records(settings, await load_codec(settings)):
            inventory.learn(record)
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {settings.kafka}: {error!r}") from error
    judged = ((item, inventory.reason(item.key)) for item in old)
    return [
        Garbage(key=item.key, size=item.size, reason=reason)
        for item, reason in judged
        if reason is not None and (reason != "unused upload" or item.key in uploads)
    ]


async def delete_garbage(store: ObjectStore, garbage: Sequence[Garbage], grace_s: float) -> int:
    """Delete what `find_garbage` found, but what was written again since; how many objects went."""
    gone = 0
    for item in garbage:
        age = max(grace_s, UPLOAD_GRACE) if item.reason == "unused upload" else grace_s
        if item.key in {found.key async for found in store.list(item.key, older_than_s=age)}:
            await store.delete(item.key)
            gone += 1
    return gone


def totals(garbage: Sequence[Garbage]) -> list[tuple[Reason, int, int]]:
    """For each reason how many objects and bytes."""
    by_reason = groupby(sorted(garbage, key=lambda item: item.reason), key=lambda item: item.reason)
    return [(reason, len(sizes), sum(sizes)) for reason, items in by_reason if (sizes := [item.size for item in items])]


async def _records(settings: Settings, codec: Codec) -> AsyncIterator[Record]:
    """Everything on the topics that name objects, up to their ends now."""
    places = [TopicPartition(topic.name, shard) for topic in TOPICS for shard in range(settings.shards)]
    ends = await settled_end(settings.kafka, places)
    numbers = dict.fromkeys(places, 0)
    positions: dict[TopicPartition, int | None] = dict.fromkeys(places, 0)
    async with assigned(settings.kafka, positions, auto_offset_reset="earliest") as consumer:
        idle = 0
        while waiting := [place for place in places if await consumer.position(place) < ends[place]]:
            batches = await consumer.getmany(*waiting, timeout_ms=500, max_records=_BATCH)
            idle = 0 if batches else idle + 1
            if idle > _IDLE:
                raise InfrastructureError(f"{waiting[0].topic}: nothing to read before offset {ends[waiting[0]]}")
            for place, messages in batches.items():
                for message in messages:
                    if (record := await _decode(settings, codec, message.value, place.topic)) is None:
                        continue
                    if isinstance(record, LedgerRecord):
                        numbers[place] = next_number(place, message.offset, numbers[place], record)
                    yield record


def next_number(place: TopicPartition, offset: int, before: int, record: LedgerRecord) -> int:
    """The record's number in its partition, after `before`.

    Raises `ContractError` when a number is missing: it is that of a record nobody could read. One that came before is old.
    """
    found = record.stamp.partition_seq
    if found > before + 1:
        where = f"{place.topic}[{place.partition}]@{offset}"
        raise ContractError(f"{where} is record {found}, but {before + 1} is missing; nothing is collected")
    return max(before, found)


async def _decode(settings: Settings, codec: Codec, value: bytes | None, topic: str) -> Record | None:
    """The record, None for bytes that are none."""
    try:
        try:
            return codec.decode(value, topic)
        except UnknownSchemaError as unknown:
            await learn_schema(codec, settings, unknown)
            return codec.decode(value, topic)
    except ContractError:
        return None
