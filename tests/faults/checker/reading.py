"""Kafka into spools: every committed record of every topic of the catalogue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from infra.kafka import assigned, settled_end
from infra.registry import learn_schema, load_codec
from infra.settings import Settings
from schemas.errors import ContractError, InfrastructureError
from schemas.serde import HEADER, Codec, UnknownSchemaError
from schemas.topics import LEDGER_TOPICS, REQUESTS, TOPICS, TopicSpec
from tests.faults.checker.records import Log, Raw
from tests.faults.checker.spool import Spool

PATIENCE = 40.0  # seconds without a record; what a dead writer left open hides the rest for 15 s
_BATCH = 5_000


async def read_log(settings: Settings, folder: Path) -> Log:
    """Everything committed by now, in files below `folder`.

    Raises `ContractError` when records of the ledger or requests were removed by their retention: a check needs them all.
    """
    codec = await load_codec(settings)
    places = partitions_of(settings, TOPICS)
    async with assigned(settings.kafka, dict.fromkeys(places, 0), auto_offset_reset="earliest") as consumer:
        begins = await consumer.beginning_offsets(places)
        for place in places:
            whole = [REQUESTS.name, *(topic.name for topic in LEDGER_TOPICS)]
            if begins[place] and place.topic in whole:
                raise ContractError(
                    f"{place.topic}[{place.partition}]: the records before {begins[place]} were removed"
                )
        ends = {p: end for p, end in (await settled_end(settings.kafka, places)).items() if end > begins[p]}
        spools = {place: Spool(folder / f"{place.topic}-{place.partition}") for place in ends}
        await _read(consumer, ends, spools)
    for spool in spools.values():
        spool.close()
    log = Log(codec, {(place.topic, place.partition): spool for place, spool in spools.items() if len(spool)})
    await _learn(settings, codec, log)
    return log


def partitions_of(settings: Settings, topics: tuple[TopicSpec, ...]) -> list[TopicPartition]:
    """Every partition of the topics."""
    counts = {"shards": settings.shards, "slots": settings.device_slots, "one": 1}
    return [TopicPartition(topic.name, n) for topic in topics for n in range(counts[topic.partitions])]


async def _read(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], spools: Mapping[TopicPartition, Spool]
) -> None:
    consumer.pause(*(place for place in consumer.assignment() if place not in ends))
    waiting, since = set(ends), time.monotonic()
    while waiting:
        batches = await consumer.getmany(*waiting, timeout_ms=200, max_records=_BATCH)
        for place, messages in batches.items():
            since = time.monotonic()
            for message in messages:
                if message.offset < ends[place]:
                    headers = list(message.headers)
                    spools[place].append(Raw(message.offset, message.key, message.value, headers))
        for place in list(waiting):
            if await consumer.position(place) >= ends[place]:
                waiting.discard(place)
                consumer.pause(place)
        if time.monotonic() - since > PATIENCE:
            left = ", ".join(f"{p.topic}[{p.partition}] before {ends[p]}" for p in sorted(waiting))
            raise InfrastructureError(f"nothing more to read of {left}: a transaction is open or the broker is away")


async def _learn(settings: Settings, codec: Codec, log: Log) -> None:
    """Ask the registry for the schemas of other versions of the product, if there are any."""
    met: set[bytes] = set()
    for source in log.sources.values():
        for raw in source:
            head = (raw.value or b"")[: HEADER.size]
            if head in met:
                continue
            met.add(head)
            try:
                codec.decode(raw.value)
            except UnknownSchemaError as unknown:
                await _ask(settings, codec, unknown)
            except ContractError:
                continue
        await asyncio.sleep(0)


async def _ask(settings: Settings, codec: Codec, unknown: UnknownSchemaError) -> None:
    try:
        await learn_schema(codec, settings, unknown)
    except (ContractError, ValueError):
        return  # nobody knows it: the record counts as undecodable
