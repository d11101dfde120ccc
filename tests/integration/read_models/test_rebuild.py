"""A rebuild beside living read models: under load, killed and taken up, and only one at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from infra.crash_points import FOLDER
from infra.keystore import SqliteKeystore
from infra.settings import Settings
from projections.bulk.rebuild import rebuild_beside
from projections.bulk.schema import NEXT, OLD, BusyError, alone
from projections.bulk.store import BulkRows
from projections.catch_up import Reader, catch_up_all
from projections.folds.task_results import TaskResultRow
from projections.postgres import Pool, create_pool
from projections.queries import Queries
from projections.rebuild import rebuild
from projections.table import SCHEMA
from projections.tables import TASK_RESULT_TABLE
from projections.unsealing import keystore_unseal
from tests.integration.read_models.applying import character, new_id
from tests.integration.read_models.conftest import Worker, Writer, dumped, settled
from tests.operator_acts import acts_of


async def reference(other: Settings, keystore: SqliteKeystore) -> list[str]:
    """The dump of a rebuild into another database, event batch by event batch like the live path."""
    await rebuild(other, None, keystore_unseal(keystore))
    pool = await create_pool(other.database_url)
    try:
        return await dumped(pool)
    finally:
        await pool.close()


async def schemas(pool: Pool) -> list[str]:
    """Every schema of read models there is."""
    rows = await pool.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read_models%' ORDER BY 1")
    return [row["nspname"] for row in rows]


async def write_history(writer: Writer, keystore: SqliteKeystore, account: str, tasks: int) -> None:
    """Pictures in transactions of twenty, and a character with a vector."""
    await writer.write(character(writer.ledger, keystore, account, new_id(), 1))
    for _ in range(tasks // 20):
        images = [writer.ledger.image(new_id(), account) for _ in range(20)]
        await writer.write([event for image in images for event in image])


@asynccontextmanager
async def busy(step: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Repeat a step while the block runs; its failure is the test's."""
    over = asyncio.Event()

    async def work() -> int:
        times = 0
        while not over.is_set():
            await step()
            times += 1
        return times

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        over.set()
        assert await task > 0


async def test_events_and_reads_go_on_during_rebuild_and_swap(
    worker: Worker,
    writer: Writer,
    queries: Queries,
    pool: Pool,
    keystore: SqliteKeystore,
    settings: Settings,
    other_settings: Settings,
) -> None:
    account, known = new_id(), new_id()
    await worker.following()
    await write_history(writer, keystore, account, 200)
    await writer.write(writer.ledger.image(known, account))
    await settled(queries, writer.ledger)
    seen: list[int] = []

    async def write() -> None:
        await writer.write(writer.ledger.image(new_id(), account))

    async def read() -> None:
        assert await queries.task(account, known) is not None
        seen.append(await queries.cursor("tasks", 0))

    async with busy(write), busy(read):
        for _ in range(2):
            done = await rebuild_beside(settings, keystore_unseal(keystore))
    await settled(queries, writer.ledger)
    assert not done.resumed
    assert done.records > 1400
    assert seen == sorted(seen)
    assert await dumped(pool) == await reference(other_settings, keystore)
    assert worker.process is not None
    assert worker.process.returncode is None
    assert await schemas(pool) == ["read_models"]
    indexes = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'read_models'"
    other = await create_pool(other_settings.database_url)
    assert await pool.fetchval(indexes) == await other.fetchval(indexes)
    await other.close()


async def command(settings: Settings, folder: Path, crash_at: str | None = None) -> tuple[int, str, str]:
    """`storyreel projections rebuild` as a process, killed at a point of the code if one is named."""
    if crash_at is not None:
        (folder / crash_at).touch()
    environment = os.environ | settings.to_env() | {FOLDER: str(folder)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", "projections", "rebuild", "--data", "nowhere"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_killed_anywhere_it_is_taken_up_and_nothing_is_lost(
    reader: Reader,
    writer: Writer,
    keystore: SqliteKeystore,
    settings: Settings,
    other_settings: Settings,
    tmp_path: Path,
) -> None:
    await write_history(writer, keystore, new_id(), 40)
    await catch_up_all(reader)
    before = await dumped(reader.pool)
    for point in ("bulk.after_chunk", "bulk.in_swap"):
        code, _, err = await command(settings, tmp_path, point)
        assert code == -signal.SIGKILL, err
        assert await dumped(reader.pool) == before
    code, out, err = await command(settings, tmp_path)
    assert (code, err) == (0, "")
    assert "read models rebuilt and in use" in out
    assert "going on from an unfinished rebuild" in out
    assert len(await acts_of(settings, "projections rebuild")) >= 3, "each run is known, also those that were killed"
    code, _, err = await command(settings, tmp_path, "bulk.after_swap")
    assert code == -signal.SIGKILL, err
    assert await schemas(reader.pool) == ["read_models", OLD]
    assert not (await rebuild_beside(settings, keystore_unseal(keystore))).resumed
    assert await schemas(reader.pool) == ["read_models"]
    assert await dumped(reader.pool) == before == await reference(other_settings, keystore)


async def test_only_one_at_once_and_a_half_done_one_of_another_log_is_made_anew(
    reader: Reader, writer: Writer, keystore: SqliteKeystore, settings: Settings, tmp_path: Path
) -> None:
    unseal = keystore_unseal(keystore)
    await writer.write(writer.ledger.image(new_id(), new_id()))
    await catch_up_all(reader)
    async with alone(settings.database_url):
        with pytest.raises(BusyError, match="another rebuild"):
            await rebuild_beside(settings, unseal)
    await command(settings, tmp_path, "bulk.after_chunk")
    assert await reader.pool.execute(f"UPDATE {NEXT}.projection_cursors SET cluster_id = 'other'") != "UPDATE 0"
    before = await dumped(reader.pool)
    assert not (await rebuild_beside(settings, unseal)).resumed
    assert await dumped(reader.pool) == before


async def test_rows_of_a_key_that_is_there_are_replaced_by_the_last_one(pool: Pool) -> None:
    """Also in tables that no fold reads before it writes, and within one chunk."""
    rows = [TaskResultRow(task_id="t", stage_id=stage, sealed=text) for stage, text in (("a", b"1"), ("b", b"2"))]
    later = [replace(rows[0], sealed=b"3"), replace(rows[0], sealed=b"4"), TaskResultRow(task_id="t", stage_id="c")]
    for chunk in (rows, later):
        async with pool.acquire() as connection, connection.transaction():
            store = BulkRows(connection, SCHEMA)
            await store.upsert(TASK_RESULT_TABLE, chunk)
            await store.flush()
    async with pool.acquire() as connection:
        found = await TASK_RESULT_TABLE.load(connection, [("t", stage) for stage in "abc"])
    assert {key[1]: row.sealed for key, row in found.items()} == {"a": b"4", "b": b"2", "c": b""}
