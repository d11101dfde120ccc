"""Creating and describing topics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, Protocol

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code
from msgspec import Struct

from infra.kafka import create_consumer, stop_consumer
from schemas.errors import ConfigurationError, InfrastructureError

_VISIBLE_TIMEOUT = 30.0
_ALREADY_EXISTS = 36  # Kafka protocol error code TOPIC_ALREADY_EXISTS
_LIMIT = "max.message.bytes"
_OF_THE_TOPIC = 1  # Kafka protocol: source of a setting that was made for the topic itself
_CONFIGS = ("cleanup.policy", "retention.ms", "min.insync.replicas", _LIMIT)


class TopicLayout(Protocol):
    """What this module needs of `schemas.topics.TopicSpec`."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> Literal["shards", "slots", "one"]: ...
    @property
    def retention_ms(self) -> int | None: ...
    @property
    def compact(self) -> bool: ...
    @property
    def max_bytes(self) -> int | None: ...


class PartitionInfo(Struct, frozen=True, kw_only=True):
    """Offsets of a partition: `end` is the next offset to be written, so gaps of transactions count."""

    partition: int
    begin: int
    end: int


class TopicInfo(Struct, frozen=True, kw_only=True):
    """A topic as the broker has it."""

    name: str
    partitions: list[PartitionInfo]
    configs: dict[str, str]


class Ensured(Struct, frozen=True):
    """Outcome of `ensure_topics`: names created, and settings in which existing topics differ (left as they are)."""

    created: list[str]
    differences: list[str]


async def ensure_topics(
    bootstrap: str, specs: Sequence[TopicLayout], *, shards: int, slots: int, replication: int
) -> Ensured:
    """Create the topics that are missing and wait until every partition has a leader.

    An existing topic that takes smaller records than the catalogue says takes them from now on.

    Raises `ConfigurationError` if an existing topic has another number of partitions (records would go to the wrong
    place), `InfrastructureError` if the broker refuses or does not answer.
    """
    counts = {spec.name: _count(spec, shards, slots) for spec in specs}
    async with _admin(bootstrap) as admin:
        existing = set(await admin.list_topics())
        missing = [spec for spec in specs if spec.name not in existing]
        created = await _create(admin, missing, counts, replication)
        await _await_visible(admin, counts)
        old = [spec for spec in specs if spec.name in existing]
        await _raise_limits(admin, old)
        configs = await _configs(admin, [spec.name for spec in old])
    return Ensured(created, list(_differences(old, configs)))


async def describe(bootstrap: str, names: Iterable[str] | None = None) -> list[TopicInfo]:
    """Partitions, offsets and settings of topics (all but internal ones if `names` is None), ordered by name."""
    async with _admin(bootstrap) as admin:
        described = await admin.describe_topics(list(names) if names is not None else None)
        unknown = [topic["topic"] for topic in described if topic["error_code"]]
        if names is not None and unknown:
            raise ConfigurationError(f"no such topic: {', '.join(unknown)}")
        topics = {t["topic"]: [p["partition"] for p in t["partitions"]] for t in described if not t["is_internal"]}
        configs = await _configs(admin, list(topics))
    offsets = await _offsets(bootstrap, [TopicPartition(n, p) for n, ps in topics.items() for p in ps])
    return [
        TopicInfo(
            name=name,
            partitions=[
                PartitionInfo(partition=p, begin=begin, end=end)
                for p in sorted(topics[name])
                for begin, end in [offsets[TopicPartition(name, p)]]
            ],
            configs={key: configs[name][key] for key in _CONFIGS if key in configs[name]},
        )
        for name in sorted(topics)
    ]


async def partitions_of(bootstrap: str, names: Sequence[str]) -> list[TopicPartition]:
    """All partitions of the topics. Raises `ConfigurationError` naming those that do not exist."""
    async with _admin(bootstrap) as admin:
        known = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
    if missing := [name for name in names if name not in known]:
        raise ConfigurationError(f"no such topic: {', '.join(missing)}; there are {', '.join(sorted(known))}")
    return [TopicPartition(name, entry["partition"]) for name in names for entry in known[name]]


async def cluster_id(bootstrap: str) -> str:
    """The id that the cluster was formatted with."""
    async with _admin(bootstrap) as admin:
        return str((await admin.describe_cluster())["cluster_id"])


async def delete_before(bootstrap: str, offsets: Mapping[TopicPartition, int]) -> None:
    """Remove the records before the given offsets; the partitions begin there from now on."""
    records_to_delete: Any = RecordsToDelete
    async with _admin(bootstrap) as admin:
        await admin.delete_records({place: records_to_delete(before_offset=at) for place, at in offsets.items()})


def _count(spec: TopicLayout, shards: int, slots: int) -> int:
    return {"shards": shards, "slots": slots, "one": 1}[spec.partitions]


def topic_configs(spec: TopicLayout) -> dict[str, str]:
    """Broker settings of a topic: retention in ms (-1 = for ever), cleanup policy, and its largest record if it has a limit."""
    retention = -1 if spec.retention_ms is None else spec.retention_ms
    limit = {} if spec.max_bytes is None else {_LIMIT: str(spec.max_bytes)}
    return {"cleanup.policy": "compact" if spec.compact else "delete", "retention.ms": str(retention)} | limit


async def _create(admin: Any, specs: Sequence[TopicLayout], counts: dict[str, int], replication: int) -> list[str]:
    if not specs:
        return []
    durable = {"min.insync.replicas": str(max(1, replication - 1))}
    new_topic: Any = NewTopic
    topics = [
        new_topic(spec.name, counts[spec.name], replication, topic_configs=topic_configs(spec) | durable)
        for spec in specs
    ]
    answer = await admin.create_topics(topics)
    created = []
    for name, code, *message in answer.topic_errors:
        if code == 0:
            created.append(name)
        elif code != _ALREADY_EXISTS:
            raise InfrastructureError(f"Kafka refused topic {name}: {for_code(code).__name__} {message or ''}".strip())
    return created


async def _await_visible(admin: Any, counts: dict[str, int]) -> None:
    deadline = time.monotonic() + _VISIBLE_TIMEOUT
    while True:
        described = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics(list(counts))}
        for name, partitions in described.items():
            if partitions and len(partitions) != counts[name]:
                raise ConfigurationError(
                    f"topic {name} has {len(partitions)} partitions but the settings (shards, device_slots) say "
                    f"{counts[name]}; use the settings it was made with or another data folder"
                )
        if all(described.get(name) and all(p["leader"] >= 0 for p in described[name]) for name in counts):
            return
        if time.monotonic() > deadline:
            raise InfrastructureError(f"topics have no leader after {_VISIBLE_TIMEOUT:g} s")
        await asyncio.sleep(0.05)


def _differences(specs: Iterable[TopicLayout], configs: dict[str, dict[str, str]]) -> Iterator[str]:
    for spec in specs:
        for key, wanted in topic_configs(spec).items():
            found = configs[spec.name].get(key)
            if found != wanted:
                yield f"topic {spec.name}: {key} is {found}, the catalogue says {wanted}"


async def _raise_limits(admin: Any, specs: Sequence[TopicLayout]) -> None:
    """Only the limit is changed: the request replaces all settings of a topic, so its others are sent along."""
    resource_of: Any = ConfigResource
    for spec in (spec for spec in specs if spec.max_bytes is not None):
        [answer] = await admin.describe_configs([resource_of(ConfigResourceType.TOPIC, spec.name)])
        entries = answer.resources[0][4]
        limit = next(int(entry[1]) for entry in entries if entry[0] == _LIMIT)
        if limit < (spec.max_bytes or 0):
            own = {entry[0]: entry[1] for entry in entries if entry[3] == _OF_THE_TOPIC}
            changed = own | {_LIMIT: str(spec.max_bytes)}
            [answer] = await admin.alter_configs([resource_of(ConfigResourceType.TOPIC, spec.name, changed)])
            if code := answer.resources[0][0]:
                raise InfrastructureError(f"Kafka keeps the limit of {spec.name} at {limit}: {for_code(code).__name__}")


async def _configs(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resource_of: Any = ConfigResource
    answers = await admin.describe_configs([resource_of(ConfigResourceType.TOPIC, name) for name in names])
    return {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for answer in answers
        for resource in answer.resources
    }


async def _offsets(bootstrap: str, partitions: list[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
    consumer: Any = create_consumer(bootstrap)
    try:
        await consumer.start()
        begin = await consumer.beginning_offsets(partitions) if partitions else {}
        end = await consumer.end_offsets(partitions) if partitions else {}
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {bootstrap}: {error!r}") from error
    finally:
        await stop_consumer(consumer)
    return {partition: (begin[partition], end[partition]) for partition in partitions}


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[Any]:
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        yield admin
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {bootstrap}: {error!r}") from error
    finally:
        await admin.close()
