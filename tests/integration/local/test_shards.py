"""A log of two shards: verified, signed, rebuilt, compared, exported and restored, each shard whole."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from infra.audit.auditing import audit_log
from infra.audit.auditor import Result, Span
from infra.audit.reading import shards_of
from infra.audit.writing import write_checkpoint
from infra.export.restore import restore
from infra.kafka import create_producer
from infra.keystore import open_keystore
from infra.local.stack import StackOptions
from infra.registry import load_codec
from infra.settings import Settings
from projections.bulk.compare import compare
from projections.bulk.rebuild import rebuild_beside
from projections.unsealing import keystore_unseal
from schemas.envelope import LedgerRecord
from schemas.errors import ConfigurationError
from schemas.topics import LEDGER_TOPICS, TOPICS
from tests.faults.simulation.owner import CODEC
from tests.integration.local.recorded import BASE, exported, read_models, small_stack
from tests.unit.faults.town import Town

LEDGER = {topic.name for topic in LEDGER_TOPICS}


def towns() -> list[Town]:
    """An account, a device and some work in each shard, as the coordinator's own code decides it."""
    made = [Town(shard=shard, account=name, device=f"{name}-cpu") for shard, name in enumerate(("ann", "bob"))]
    for town in made:
        town.images(f"{town.account}-a", 2)
        town.film(f"{town.account}-b")
        town.finish()
    return made


async def write(settings: Settings, town: Town) -> int:
    """Put a town's ledger on the log."""
    codec, count = await load_codec(settings), 0
    async with create_producer(settings.kafka, f"town-{town.account}") as producer, producer.transaction():
        for (topic, partition), raws in town.partitions.items():
            for raw in raws if topic in LEDGER else ():
                value = codec.encode(CODEC.decode_as(raw.value, LedgerRecord))
                await producer.send(topic, value, key=raw.key, partition=partition, headers=raw.headers)
                count += 1
    return count


async def audited(settings: Settings) -> list[Result]:
    return [await audit_log(settings, Span(), shard=shard) for shard in await shards_of(settings)]


@pytest.fixture(scope="module")
async def settings(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Settings]:
    options = StackOptions(topics=TOPICS, base=replace(BASE, shards=2))
    async with small_stack(tmp_path_factory.mktemp("shards"), options) as stack:
        yield stack.settings


async def test_every_tool_takes_both_shards(settings: Settings, tmp_path: Path) -> None:
    written = [await write(settings, town) for town in towns()]
    for shard in await shards_of(settings):
        assert await write_checkpoint(settings, {}, shard) is not None
        assert await write_checkpoint(settings, {}, shard) is None
    whole = [(number, 0, 1, count, count) for number, count in enumerate(written)]
    seen = await audited(settings)
    assert [(r.shard, r.found, r.confirmed, r.signed, r.events) for r in seen] == whole, [r.findings for r in seen]

    unseal = keystore_unseal(open_keystore(settings, os.environ))
    rows = await read_models(settings)
    for account in ("ann", "bob"):
        assert sum(f'"{account}-' in row for row in rows) > 2
    assert (await rebuild_beside(settings, unseal)).rows > 10
    same = await compare(settings, unseal, lambda pair: pytest.fail(str(pair)))
    assert (same.differing, same.rows > 10) == (0, True)
    with pytest.raises(ConfigurationError, match="has 2 partitions, STORYREEL_SHARDS says 1"):
        await rebuild_beside(replace(settings, shards=1), unseal)

    done = await exported(settings, tmp_path / "archive", "avro")
    assert done.records == sum(written) + 2
    admin = AdminClient({"bootstrap.servers": settings.kafka})
    for removed in admin.delete_topics([topic.name for topic in TOPICS]).values():
        await asyncio.to_thread(removed.result, 30)
    await restore(settings, tmp_path / "archive", lambda *_: None)
    seen = await audited(settings)
    assert [(r.shard, r.found, r.confirmed, r.signed, r.events) for r in seen] == whole, [r.findings for r in seen]
    assert await read_models(settings) == rows
