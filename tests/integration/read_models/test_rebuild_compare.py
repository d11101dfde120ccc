"""Read models compared with the log while they go on: what somebody changed is found, and nothing else."""

from __future__ import annotations

import asyncio

from infra.keystore import SqliteKeystore
from infra.settings import Settings
from projections.bulk.compare import compare
from projections.bulk.merging import Difference
from projections.catch_up import Reader, catch_up_all, partitions_of
from projections.cli import told
from projections.drift.check import check_window
from projections.queries import Queries
from projections.unsealing import keystore_unseal
from tests.integration.read_models.applying import character, new_id
from tests.integration.read_models.conftest import Writer


async def found(settings: Settings, keystore: SqliteKeystore, sample: int | None = None) -> tuple[list[str], int]:
    """What a comparison tells, and how many rows it looked at."""
    lines: list[Difference] = []
    done = await compare(settings, keystore_unseal(keystore), lines.extend, sample)
    assert done.differing == len({(line.table, line.key) for line in lines})
    return [told(line) for line in lines], done.rows


async def test_changed_missing_and_made_up_rows_are_found(
    reader: Reader, writer: Writer, keystore: SqliteKeystore, settings: Settings
) -> None:
    account, tasks = new_id(), sorted(new_id() for _ in range(30))
    await writer.write(character(writer.ledger, keystore, account, new_id(), 2))
    await writer.write([event for task in tasks for event in writer.ledger.image(task, account)])
    await catch_up_all(reader)
    await writer.write(writer.ledger.image(new_id(), account))  # not in the rows yet, so no difference
    whole = await found(settings, keystore)
    assert whole[0] == []
    sampled = await found(settings, keystore, sample=10)
    assert sampled[0] == []
    assert 0 < sampled[1] < whole[1]

    async def go_on() -> None:
        for _ in range(5):
            await writer.write(writer.ledger.image(new_id(), account))
            await catch_up_all(reader)

    going = asyncio.create_task(go_on())
    assert (await found(settings, keystore))[0] == []
    await going

    change = reader.pool.execute
    await change("UPDATE read_models.tasks SET status = 'failed' WHERE task_id = $1", tasks[0])
    await change("DELETE FROM read_models.task_results WHERE task_id = $1", tasks[1])
    await change("INSERT INTO read_models.quota_limits VALUES ('nobody', 'images', 5, 1)")
    await change("UPDATE read_models.quota_usage SET used = used + 1 WHERE account_id = $1", account)
    told_lines, _ = await found(settings, keystore)
    day = f"{account}/images/2026-05-04"
    assert told_lines == [
        f'tasks {tasks[0]} status: live "failed", log "completed"',
        f"task_results {tasks[1]}/image-1: the row is missing, the log has it",
        f"quota_usage {day} used: live 2, log 1",
        "quota_limits nobody/images: the row is in the table only",
    ]
    schemas = await reader.pool.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read_models%'")
    assert [row["nspname"] for row in schemas] == ["read_models"]


async def test_the_standing_check_finds_a_changed_row_and_forgets_it_when_it_is_right(
    reader: Reader, writer: Writer, queries: Queries
) -> None:
    account, task = new_id(), new_id()
    await writer.write(writer.ledger.image(task, account))
    await catch_up_all(reader)
    [tasks, quotas] = await partitions_of(reader.settings, ["tasks", "quotas"])

    async def look() -> list[dict[str, list[tuple[str, ...]]]]:
        return [await check_window(reader, partition, place=1) for partition in (tasks, quotas)]

    assert await look() == [{}, {}]
    await reader.pool.execute("UPDATE read_models.tasks SET priority = 1 WHERE task_id = $1", task)
    await reader.pool.execute("DELETE FROM read_models.quota_usage WHERE account_id = $1", account)
    found = [{"tasks": [(task,)]}, {"quota_usage": [(account, "images", "2026-05-04")]}]
    assert await look() == found
    assert await look() == found
    assert await queries.drift_rows() == 2
    await reader.pool.execute("UPDATE read_models.tasks SET priority = 5 WHERE task_id = $1", task)
    assert await look() == [{}, found[1]]
    assert await queries.drift_rows() == 1
