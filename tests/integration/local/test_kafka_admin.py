"""Topics and the log as people see them, on a real broker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from infra.kafka import create_producer
from infra.kafka_admin import describe, ensure_topics
from infra.log_reader import read_records
from infra.settings import Settings
from schemas.errors import ConfigurationError, ContractError
from tests.integration.local.helpers import Topic, write


def fresh(suffix: str, **options: Any) -> Topic:
    return Topic(f"{suffix}-{uuid4().hex[:8]}", **options)


def utf8(value: bytes, headers: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
    if value.startswith(b"\xff"):
        raise ContractError("not text")
    return {"text": value.decode(), "raw": value}


async def test_topics_are_made_once_as_the_catalogue_says(kafka_settings: Settings) -> None:
    specs = [
        fresh("forever", partitions="shards"),
        fresh("slots", partitions="slots", retention_ms=5000),
        fresh("compact", compact=True),
    ]
    ensured = await ensure_topics(kafka_settings.kafka, specs, shards=2, slots=3, replication=1)
    assert sorted(ensured.created) == sorted(spec.name for spec in specs)
    again = await ensure_topics(kafka_settings.kafka, specs, shards=2, slots=3, replication=1)
    assert (again.created, again.differences) == ([], [])
    compact, forever, slots = await describe(kafka_settings.kafka, [spec.name for spec in specs])
    assert [len(topic.partitions) for topic in (forever, slots, compact)] == [2, 3, 1]
    assert forever.configs["retention.ms"] == "-1"
    assert slots.configs["retention.ms"] == "5000"
    assert compact.configs["cleanup.policy"] == "compact"


async def test_a_topic_with_other_partitions_is_an_error_and_other_settings_are_told(kafka_settings: Settings) -> None:
    topic = fresh("differs", partitions="slots", retention_ms=5000)
    await ensure_topics(kafka_settings.kafka, [topic], shards=1, slots=2, replication=1)
    with pytest.raises(ConfigurationError, match=rf"{topic.name} has 2 partitions .* 4"):
        await ensure_topics(kafka_settings.kafka, [topic], shards=1, slots=4, replication=1)
    changed = Topic(topic.name, "slots", retention_ms=6000)
    ensured = await ensure_topics(kafka_settings.kafka, [changed], shards=1, slots=2, replication=1)
    assert ensured.differences == [f"topic {topic.name}: retention.ms is 5000, the catalogue says 6000"]


async def test_a_limit_is_raised_and_never_lowered_and_other_settings_stay(kafka_settings: Settings) -> None:
    topic = fresh("limited", retention_ms=5000, max_bytes=3_000_000)

    async def ensured(max_bytes: int | None) -> tuple[list[str], dict[str, str]]:
        spec = Topic(topic.name, retention_ms=5000, max_bytes=max_bytes)
        found = await ensure_topics(kafka_settings.kafka, [spec], shards=1, slots=1, replication=1)
        [told] = await describe(kafka_settings.kafka, [topic.name])
        return found.differences, told.configs

    _, configs = await ensured(3_000_000)
    assert configs["max.message.bytes"] == "3000000"
    assert await ensured(4_000_000) == ([], configs | {"max.message.bytes": "4000000"})
    differences, configs = await ensured(3_500_000)
    assert differences == [f"topic {topic.name}: max.message.bytes is 4000000, the catalogue says 3500000"]
    assert (configs["max.message.bytes"], configs["retention.ms"]) == ("4000000", "5000")
    assert (await ensured(None))[0] == []


async def test_unknown_topics_are_named(kafka_settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="no such topic: nowhere"):
        await describe(kafka_settings.kafka, ["nowhere"])
    with pytest.raises(ConfigurationError, match="no such topic: nowhere"):
        _ = [record async for record in read_records(kafka_settings.kafka, ["nowhere"], utf8)]


async def test_the_log_shows_committed_records_only(kafka_settings: Settings) -> None:
    topic = fresh("tail")
    await ensure_topics(kafka_settings.kafka, [topic], shards=1, slots=1, replication=1)
    producer = create_producer(kafka_settings.kafka, f"tail-{uuid4().hex}")
    await producer.start()
    try:
        async with producer.transaction():
            await producer.send_and_wait(topic.name, b"kept", key=b"k", headers=[("ce_type", b"film.Kept")])
        await producer.begin_transaction()
        await producer.send_and_wait(topic.name, b"aborted")
        await producer.abort_transaction()
    finally:
        await producer.stop()
    await write(kafka_settings.kafka, topic.name, b"\xff", b"later")

    async def read(**options: Any) -> list[dict[str, Any]]:
        return [record async for record in read_records(kafka_settings.kafka, [topic.name], utf8, **options)]

    kept, broken, later = await read(from_beginning=True)
    assert (kept["type"], kept["key"], kept["value"]) == ("Kept", "k", {"text": "kept", "raw": "<sealed 4 bytes>"})
    assert broken["value"] == {"undecodable": "not text", "bytes": 1}
    assert await read(from_beginning=True, limit=1) == [kept]
    assert await read(limit=1) == [later]
    assert await read() == [kept, broken, later]
    assert await read(limit=0) == []


async def test_following_waits_for_new_records(kafka_settings: Settings) -> None:
    topic = fresh("follow")
    await ensure_topics(kafka_settings.kafka, [topic], shards=1, slots=1, replication=1)
    await write(kafka_settings.kafka, topic.name, b"old")
    records = read_records(kafka_settings.kafka, [topic.name], utf8, from_beginning=True, limit=2, follow=True)
    assert (await anext(records))["value"]["text"] == "old"
    await write(kafka_settings.kafka, topic.name, b"new")
    assert [record["value"]["text"] async for record in records] == ["new"]
