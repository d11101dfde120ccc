"""An archive back into an empty cluster.

Records keep their order, bodies, keys, headers and times, so every fold and the hash chain come out the same. Offsets
change where the old log had markers of transactions. Only two things name offsets: the coordinator's positions in its
inputs, whose topics get the same offsets again, and its mark of the ledger's end, which is written anew without them.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Struct
from msgspec.structs import replace

from infra.export import manifest as manifests
from infra.export.entry import Entry
from infra.export.log_export import Moved
from infra.export.manifest import Manifest, PartFile, sha256_of
from infra.export.replay import has_hole, in_order, send_all
from infra.kafka import create_producer
from infra.kafka_admin import delete_before, describe, ensure_topics
from infra.registry import register_all
from infra.registry_client import register_texts
from infra.settings import Settings
from schemas.errors import ConfigurationError, InfrastructureError, StoreError
from schemas.serde import Codec, header_map, subject_of
from schemas.snapshots import LedgerMarked
from schemas.topics import BY_NAME, REPORTS, REQUESTS, SNAPSHOTS, TOPIC_OF, TOPICS

INPUTS = (REQUESTS.name, REPORTS.name)
_BATCH_BYTES = 512 * 1024


class Restored(Struct, kw_only=True):
    """What was written. `renumbered` schemas have another id than in the archive."""

    records: int = 0
    topics: int = 0
    schemas: int = 0
    renumbered: int = 0


async def restore(settings: Settings, folder: Path, moved: Moved) -> Restored:
    """Write the archive in `folder` to the cluster and registry of `settings`. Stops before the first record if it can not.

    Raises `ConfigurationError` when the archive is not whole or a topic is not empty, `StoreError` for a damaged file,
    `InfrastructureError` when Kafka or the registry is away; what was written till then has to be removed by hand.
    """
    manifest = _whole(folder)
    await asyncio.to_thread(_check_files, folder, manifest.files)
    await _check_empty(settings)
    replicas = settings.replication
    await ensure_topics(
        settings.kafka, TOPICS, shards=settings.shards, slots=settings.device_slots, replication=replicas
    )
    await _check_partitions(settings, manifest)
    ids = await asyncio.to_thread(_register, settings, manifest)
    codec = Codec(await asyncio.to_thread(register_all, settings))
    renumbered = sum(old != new for old, new in ids.items())
    done = Restored(schemas=len(ids), renumbered=renumbered, topics=len({file.topic for file in manifest.files}))
    producer: Any = create_producer(settings.kafka, max_batch_size=_BATCH_BYTES)
    try:
        await producer.start()
        await _align_inputs(settings, producer, manifest)
        await _write(producer, folder, manifest, ids, done, moved)
        await _write_marks(producer, folder, manifest, codec, done)
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {settings.kafka}: {error!r}") from error
    finally:
        await producer.stop()
    return done


def _whole(folder: Path) -> Manifest:
    manifest = manifests.load(folder)
    if manifest is None:
        raise ConfigurationError(f"{folder} holds no export: {manifests.NAME} is missing")
    if manifest.format != "avro":
        raise ConfigurationError(f"{folder} holds {manifest.format}; only an export with --format avro can be restored")
    if not manifest.whole:
        raise ConfigurationError(f"{folder} is no whole export: it was made with --topic, --since or --until")
    for place, end in manifest.positions.items():
        topic, _, number = place.rpartition("/")
        if topic in INPUTS and has_hole(_files(manifest, topic, int(number)), end):
            raise ConfigurationError(
                f"{place} has holes in its offsets; the coordinator's positions would not fit them"
            )
    return manifest


def _check_files(folder: Path, files: Sequence[PartFile]) -> None:
    for file in files:
        path = folder / file.path
        if not path.exists():
            raise StoreError(f"{path} is missing; the manifest lists it")
        if sha256_of(path) != file.sha256:
            raise StoreError(f"{path} is damaged: its SHA-256 is not that of the manifest")


async def _check_empty(settings: Settings) -> None:
    for topic in await describe(settings.kafka):
        if topic.name in BY_NAME and (written := sum(partition.end for partition in topic.partitions)):
            raise ConfigurationError(
                f"topic {topic.name} of {settings.kafka} is not empty ({written} offsets); restore into an empty cluster"
            )


async def _check_partitions(settings: Settings, manifest: Manifest) -> None:
    counts = {topic.name: len(topic.partitions) for topic in await describe(settings.kafka, list(BY_NAME))}
    for file in manifest.files:
        if file.topic not in counts:
            raise ConfigurationError(f"{file.path}: this version knows no topic {file.topic}")
        if file.partition >= counts[file.topic]:
            raise ConfigurationError(
                f"{file.path} needs partition {file.partition} of {file.topic}, which has {counts[file.topic]}: "
                "set shards and device_slots as they were"
            )


def _register(settings: Settings, manifest: Manifest) -> dict[int, int]:
    """Register the archive's schemas in the order of their ids, so that an empty registry gives the same; old id → new."""
    records = {record.__name__: record for record in TOPIC_OF}
    texts = dict(sorted(manifest.schemas.items()))
    names = [str(json.loads(text)["name"]).rpartition(".")[2] for text in texts.values()]
    if unknown := set(names) - set(records):
        raise ConfigurationError(f"this version knows no record {', '.join(sorted(unknown))}")
    subjects = [subject_of(records[name]) for name in names]
    new = register_texts(settings.registry_url, list(zip(subjects, texts.values(), strict=True)))
    return dict(zip(texts, new, strict=True))


async def _align_inputs(settings: Settings, producer: Any, manifest: Manifest) -> None:
    """Let the coordinator's inputs begin at the offsets where they began: expired records are filled in and removed."""
    for place, end in manifest.positions.items():
        topic, _, number = place.rpartition("/")
        begin = min((file.first for file in _files(manifest, topic, int(number))), default=end)
        if topic not in INPUTS or begin == 0:
            continue
        now = int(time.time() * 1000)
        fillers = (Entry(topic=topic, partition=int(number), offset=n, timestamp=now, value=b"") for n in range(begin))
        async for _ in send_all(producer, fillers, {}):
            continue
        await delete_before(settings.kafka, {TopicPartition(topic, int(number)): begin})


async def _write(
    producer: Any, folder: Path, manifest: Manifest, ids: dict[int, int], done: Restored, moved: Moved
) -> None:
    total = sum(file.records for file in manifest.files)
    for topic, partition in sorted({(file.topic, file.partition) for file in manifest.files}):
        if topic == SNAPSHOTS.name:
            continue
        async for sent in send_all(producer, in_order(folder, _files(manifest, topic, partition)), ids):
            done.records += sent
            moved(topic, done.records, total)


async def _write_marks(producer: Any, folder: Path, manifest: Manifest, codec: Codec, done: Restored) -> None:
    """The last mark of every shard, without offsets and saved states of the old log."""
    for schema_id, text in manifest.schemas.items():
        codec.learn(schema_id, text)
    last: dict[bytes | None, Entry] = {}
    for partition in {file.partition for file in manifest.files if file.topic == SNAPSHOTS.name}:
        last |= {entry.key: entry for entry in in_order(folder, _files(manifest, SNAPSHOTS.name, partition))}
    for entry in last.values():
        mark = codec.decode_as(entry.value, LedgerMarked)
        mark = replace(mark, partitions=[replace(head, offset=0) for head in mark.partitions], snapshots=[])
        source = header_map([(name, value or b"") for name, value in entry.headers]).get("ce_source", "")
        written = replace(entry, value=codec.encode(mark), headers=tuple(codec.headers(mark, source)))
        async for sent in send_all(producer, [written], {}):
            done.records += sent


def _files(manifest: Manifest, topic: str, partition: int) -> list[PartFile]:
    return [file for file in manifest.files if file.topic == topic and file.partition == partition]
