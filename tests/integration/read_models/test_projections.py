"""The projections as a library: their schema, and events that are applied once, in order, or set aside."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infra.settings import Settings
from projections import tables
from projections.apply import Partition, apply_batch
from projections.migrate import migrate
from projections.postgres import Pool, create_pool
from projections.queries import Queries
from projections.selection import Delivered, GapError
from projections.table import Table
from schemas.entities import DeviceChanged, DeviceStatus
from schemas.tasks import TaskQueued
from tests.integration.read_models.applying import Applied

ALL_TABLES = [value for value in vars(tables).values() if isinstance(value, Table)]


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
async def test_every_field_has_its_column(pool: Pool, table: Table[Any]) -> None:
    columns = await pool.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema || '.' || table_name = $1", table.name
    )
    assert set(table.columns) == {row["column_name"] for row in columns} - {"encoder", "embedding"}


async def test_the_schema_is_made_once_by_however_many_start_together(settings: Settings) -> None:
    pool = await create_pool(settings.database_url, max_size=6)
    try:
        assert sorted(await asyncio.gather(*(migrate(pool) for _ in range(6)))) == [False] * 5 + [True]
        await pool.execute("COMMENT ON SCHEMA read_models IS 'an older definition'")
        await pool.execute("CREATE TABLE read_models.relic (id int)")
        assert await migrate(pool)
        assert await pool.fetchval("SELECT to_regclass('read_models.relic')") is None
    finally:
        await pool.close()


async def test_a_missing_record_applies_nothing(applied: Applied, pool: Pool, queries: Queries) -> None:
    history = [event for event in applied.ledger.image("t") if type(event).__module__ == "schemas.tasks"]
    with pytest.raises(GapError):
        await applied("tasks", [*history[:2], *history[3:]])
    assert await pool.fetchval("SELECT count(*) FROM read_models.tasks") == 0
    await applied("tasks", history[:2])
    await applied("tasks", history)
    await applied("tasks", history)
    task = await queries.task("ann", "t")
    assert task is not None
    assert (task.status, task.sequence) == ("completed", 5)
    assert await queries.cursor("tasks", 0) == 5
    assert not applied.letters


async def test_two_writers_of_one_partition_do_not_disturb_each_other(applied: Applied, pool: Pool) -> None:
    ledger = applied.ledger
    history = [e for n in range(40) for e in ledger.image(f"t{n}") if type(e).__module__ == "schemas.tasks"]

    async def work() -> None:
        for start in range(0, len(history), 10):
            await applied("tasks", history[start : start + 10])

    await asyncio.gather(work(), work())
    assert await pool.fetchval("SELECT count(*) FROM read_models.tasks WHERE status = 'completed'") == 40
    assert await pool.fetchval("SELECT count(*) FROM read_models.task_events") == 200


async def test_an_event_that_contradicts_the_log_is_set_aside(applied: Applied, queries: Queries) -> None:
    history = [event for event in applied.ledger.image("t") if type(event).__module__ == "schemas.tasks"]
    stray = applied.ledger.task(TaskQueued(task_id="t"))
    more = [event for event in applied.ledger.image("u") if type(event).__module__ == "schemas.tasks"]
    await applied("tasks", [*history, stray, *more])
    assert [letter.delivered.record for letter in applied.letters] == [stray]
    assert "exists already" in applied.letters[0].error
    assert {task.task_id for task in await queries.tasks("ann")} == {"t", "u"}


async def test_poison_alone_does_not_begin_an_empty_database(applied: Applied, queries: Queries) -> None:
    history = [event for event in applied.ledger.image("t") if type(event).__module__ == "schemas.tasks"]
    partition = Partition(topic="tasks")
    poison = [Delivered(offset=len(history), value=b"?", error="magic byte 63 is not 0")]
    with pytest.raises(GapError):
        await apply_batch(applied.pool, partition, poison, applied.ports)
    assert applied.letters == []
    await applied("tasks", history)
    assert (await apply_batch(applied.pool, partition, poison, applied.ports)).next_offset == len(history) + 1
    assert len(applied.letters) == 1
    assert [task.task_id for task in await queries.tasks("ann")] == ["t"]


async def test_compacted_devices_have_holes(applied: Applied, queries: Queries) -> None:
    ledger = applied.ledger
    events = [
        ledger.stamp(DeviceChanged(device_id=f"cpu-{n % 2}", slot=n % 2, epoch=n, status=DeviceStatus.LIVE), "", "d")
        for n in range(6)
    ]
    with pytest.raises(GapError):  # a database that was lost has no position, and no number tells what came before
        await applied("devices", events[4:])
    assert await queries.devices() == []
    await applied("devices", [events[1], events[4], events[5]], after=0)
    assert [(row.device_id, row.epoch) for row in await queries.devices()] == [("cpu-0", 4), ("cpu-1", 5)]
