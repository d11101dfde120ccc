"""Two processes on the same group and database: one stands in for the other, and together they do no harm."""

from __future__ import annotations

import asyncio
import signal
import uuid
from pathlib import Path

import asyncpg
import pytest

from infra.settings import Settings
from projections.catch_up import Reader, apply_surely, catch_up, partitions_of
from projections.cursors import lock_cursor
from projections.migrate import migrate
from projections.postgres import Pool, create_pool, transaction
from projections.queries import Queries
from projections.rebuild import rebuild
from tests.integration.read_models.conftest import Worker, Writer, dumped, eventually, settled


async def write_some(writer: Writer, account: str, count: int = 20) -> None:
    for _ in range(count):
        await writer.write(writer.ledger.image(str(uuid.uuid4()), account))


async def test_another_process_goes_on_where_a_killed_one_stopped(
    worker: Worker,
    writer: Writer,
    queries: Queries,
    pool: Pool,
    settings: Settings,
    other_settings: Settings,
    tmp_path: Path,
) -> None:
    """Whichever of them was reading; the second start, too, must not disturb the first process."""
    account, folder = str(uuid.uuid4()), tmp_path / "second"
    folder.mkdir()
    second = Worker(settings, folder)
    await worker.following()
    await asyncio.gather(second.start(), write_some(writer, account))
    try:
        await second.following()
        for victim in (worker, second):
            writing = asyncio.create_task(write_some(writer, account))
            await victim.end(signal.SIGKILL)
            await writing
            await settled(queries, writer.ledger)
            await victim.start()
    finally:
        await second.end(signal.SIGKILL)
    await rebuild(other_settings, None, lambda *_: None)
    rebuilt = await create_pool(other_settings.database_url)
    live = await dumped(pool)
    assert live == await dumped(rebuilt)
    await rebuilt.close()
    assert sum(line.startswith("tasks ") and account in line for line in live) == 60


async def test_lost_tables_come_back_while_nobody_writes(
    worker: Worker, writer: Writer, queries: Queries, pool: Pool
) -> None:
    account = str(uuid.uuid4())
    await worker.following()
    await write_some(writer, account, 3)
    await settled(queries, writer.ledger)
    before = await dumped(pool)
    await pool.execute("DROP SCHEMA read_models CASCADE")

    async def there() -> bool:
        found = await pool.fetchval("SELECT to_regclass('read_models.projection_cursors')")
        return found is not None and await dumped(pool) == before

    print(f"derived again {await eventually(there, 60):.1f} s after the loss")
    assert worker.process is not None
    assert worker.process.returncode is None


async def test_many_at_once_make_the_tables_once(settings: Settings) -> None:
    pools = [await create_pool(settings.database_url, max_size=1, writes=True) for _ in range(4)]
    assert sorted(await asyncio.gather(*(migrate(pool) for pool in pools))) == [False, False, False, True]
    for pool in pools:
        await pool.close()


async def test_a_frozen_holder_of_a_position_loses_it(reader: Reader, writer: Writer, settings: Settings) -> None:
    """A process that is stopped in the middle of a transaction holds nobody back for long."""
    await write_some(writer, str(uuid.uuid4()), 1)
    frozen = await create_pool(settings.database_url, max_size=1, writes=True)
    [partition] = await partitions_of(settings, ["tasks"])
    async with asyncio.timeout(60):
        await asyncio.gather(catch_up(reader, partition), stay_inside(frozen))
    cursor = await apply_surely(reader, partition, [])
    assert cursor.partition_seq == writer.ledger.partition_seq["tasks"]
    frozen.terminate()


async def stay_inside(pool: Pool) -> None:
    """Hold the position of `tasks` until the server ends it."""
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await hold(pool)


async def hold(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await lock_cursor(connection, "tasks", 0)
        while not connection.is_closed():
            await asyncio.sleep(0.1)
        await lock_cursor(connection, "tasks", 0)
