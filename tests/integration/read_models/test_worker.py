"""The worker process on a real broker and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import uuid

import asyncpg

from infra.keystore import SqliteKeystore
from infra.local.stack import LocalStack
from infra.settings import Settings
from projections.postgres import Pool, create_pool
from projections.queries import Queries
from projections.rebuild import rebuild
from projections.unsealing import keystore_unseal
from tests.integration.read_models.conftest import Worker, Writer, dumped, eventually, settled

SECOND = 1.0


def new_id() -> str:
    return str(uuid.uuid4())


async def test_events_become_rows_at_once(worker: Worker, writer: Writer, queries: Queries) -> None:
    await worker.following()
    account, waits = new_id(), []
    for _ in range(10):
        task_id = new_id()
        await writer.write(writer.ledger.image(task_id, account))
        seq, start = writer.ledger.partition_seq["tasks"], time.monotonic()
        assert await queries.wait_for("tasks", 0, seq, 60)
        waits.append(time.monotonic() - start)
        task = await queries.task(account, task_id)
        assert task is not None
        assert (task.status, task.progress, task.sealed, task.results) == (
            "completed",
            100,
            b"secret",
            {"image-1": b"recipe"},
        )
        events = await queries.task_events(account, task_id)
        assert [event.type for event in events][0::4] == ["TaskQueued", "TaskCompleted"]
    print("event to row, ms:", [round(wait * 1000) for wait in waits])
    assert min(waits) < 0.5  # about 0.03 on an idle machine; Faust's own fetches wait for 1.5
    assert await queries.wait_for("quotas", 0, writer.ledger.partition_seq["quotas"], 60)
    assert [(row.used, row.reserved) for row in await queries.usage(account, "2026-01-01")] == [(1, 0)]
    assert await queries.task(new_id(), task_id) is None


async def test_aborted_transactions_never_show(worker: Worker, writer: Writer, queries: Queries) -> None:
    account, ghost, real = new_id(), new_id(), new_id()
    mark = writer.ledger.mark()
    await writer.abort(writer.ledger.image(ghost, account))
    writer.ledger.reset(mark)
    await writer.write(writer.ledger.image(real, account))
    assert await queries.wait_for("tasks", 0, writer.ledger.partition_seq["tasks"], 60)
    assert [task.task_id for task in await queries.tasks(account)] == [real]
    assert await queries.task_events(account, ghost) == []


async def test_repeated_records_change_nothing(worker: Worker, writer: Writer, queries: Queries, pool: Pool) -> None:
    await worker.following()
    account, task_id = new_id(), new_id()
    history = writer.ledger.image(task_id, account)
    await writer.write(history)
    await settled(queries, writer.ledger)
    before = await dumped(pool)
    await writer.write(history)
    await writer.write(writer.ledger.image(new_id(), new_id()))
    await settled(queries, writer.ledger)
    after = await dumped(pool)
    ours = [line for line in after if account in line]
    assert ours == [line for line in before if account in line]
    assert len(ours) == 1 + 5 + 1 + 2  # the task, its events, its use, and how that came about


async def test_a_lost_position_and_foreign_rows_are_derived_again(
    worker: Worker, writer: Writer, queries: Queries, pool: Pool
) -> None:
    """The running worker meets a gap when its position is set back behind what it reads next."""
    await worker.following()
    account = new_id()
    tasks = [new_id() for _ in range(3)]
    for task_id in tasks:
        await writer.write(writer.ledger.image(task_id, account))
    assert await queries.wait_for("tasks", 0, writer.ledger.partition_seq["tasks"], 60)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("TRUNCATE read_models.tasks, read_models.task_events, read_models.task_results")
        await connection.execute("DELETE FROM read_models.projection_cursors WHERE topic = 'tasks'")
    await writer.write(writer.ledger.image(new_id(), account))
    assert await queries.wait_for("tasks", 0, writer.ledger.partition_seq["tasks"], 60)
    assert {task.task_id for task in await queries.tasks(account)} >= set(tasks)
    assert "reading the missing records" in worker.log.read_text()


async def test_killed_in_mid_work_it_goes_on_and_equals_a_rebuild(
    worker: Worker,
    writer: Writer,
    queries: Queries,
    pool: Pool,
    other_settings: Settings,
    keystore: SqliteKeystore,
) -> None:
    account = new_id()

    async def load() -> None:
        for _ in range(60):
            await writer.write([e for _ in range(20) for e in writer.ledger.image(new_id(), account)])

    writing = asyncio.create_task(load())
    for _ in range(3):
        goal = await queries.cursor("tasks", 0) + 300
        assert await queries.wait_for("tasks", 0, min(goal, writer.ledger.partition_seq["tasks"]), 60)
        await worker.end(signal.SIGKILL)
        await worker.start()
    await writing
    await settled(queries, writer.ledger)
    await rebuild(other_settings, None, keystore_unseal(keystore))
    rebuilt = await create_pool(other_settings.database_url)
    try:
        live = await dumped(pool)
        assert live == await dumped(rebuilt)
    finally:
        await rebuilt.close()
    assert sum(line.startswith("tasks ") and account in line for line in live) == 1200


async def test_terminated_backends_do_not_stop_it(
    worker: Worker, writer: Writer, queries: Queries, settings: Settings
) -> None:
    await worker.following()
    account = new_id()
    admin = await asyncpg.connect(settings.database_url)
    try:
        for _ in range(5):
            await writer.write([e for _ in range(10) for e in writer.ledger.image(new_id(), account)])
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            start = time.monotonic()
            assert await queries.wait_for("tasks", 0, writer.ledger.partition_seq["tasks"], 60)
            assert time.monotonic() - start < 15 * SECOND
    finally:
        await admin.close()
    assert len(await queries.tasks(account, limit=100)) == 50
    assert worker.process is not None
    assert worker.process.returncode is None


async def test_sigterm_ends_it_at_once(worker: Worker) -> None:
    start = time.monotonic()
    assert await worker.end(signal.SIGTERM) == 0
    assert time.monotonic() - start < 15 * SECOND


async def test_the_group_s_own_offsets_are_not_trusted(
    worker: Worker, writer: Writer, queries: Queries, pool: Pool
) -> None:
    """A database put back to an older state reads on from its own position, whatever the group has committed."""
    account = new_id()
    await writer.write(writer.ledger.image(new_id(), account))
    assert await queries.wait_for("tasks", 0, writer.ledger.partition_seq["tasks"], 60)
    await worker.end(signal.SIGTERM)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("TRUNCATE read_models.tasks, read_models.task_events, read_models.task_results")
        await connection.execute("DELETE FROM read_models.projection_cursors WHERE topic = 'tasks'")
    await worker.start()
    assert await queries.wait_for("tasks", 0, writer.ledger.partition_seq["tasks"], 60)
    assert len(await queries.tasks(account)) == 1


async def test_when_the_reader_sleeps_rows_come_later_not_never(
    worker: Worker, writer: Writer, queries: Queries
) -> None:
    account = new_id()
    assert worker.process is not None
    worker.process.send_signal(signal.SIGSTOP)
    await writer.write([e for _ in range(100) for e in writer.ledger.image(new_id(), account)])
    assert not await queries.wait_for("tasks", 0, writer.ledger.partition_seq["tasks"], 0.3)
    worker.process.send_signal(signal.SIGCONT)

    async def there() -> bool:
        return len(await queries.tasks(account, limit=200)) == 100

    await eventually(there, 60)


async def test_it_recovers_by_itself_when_postgresql_comes_back(
    stack: LocalStack, worker: Worker, writer: Writer, queries: Queries
) -> None:
    await worker.following()
    account = new_id()
    assert stack.supervisor is not None
    [server] = [record for record in stack.supervisor.records() if record.name == "postgres"]
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await writer.write([e for _ in range(20) for e in writer.ledger.image(new_id(), account)])

    async def answers() -> bool:
        try:
            await queries.devices()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    await eventually(answers, 60)

    async def there() -> bool:
        return len(await queries.tasks(account, limit=100)) == 20

    took = await eventually(there, 60)
    print(f"rows {took:.2f} s after PostgreSQL was back")
    assert worker.process is not None
    assert worker.process.returncode is None
