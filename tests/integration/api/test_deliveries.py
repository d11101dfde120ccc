"""Deliveries in a real PostgreSQL: planned once, claimed once, stopped where everything fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from api.webhooks.deliveries import FAILING_AFTER, LEASE, Deliveries, Planned
from api.webhooks.transport import Answer
from infra.local.stack import LocalStack
from projections.folds.task_events import TaskEventRow
from projections.migrate import migrate
from projections.postgres import Pool, create_pool
from schemas.topics import TASKS

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)
EVENT = """INSERT INTO read_models.task_events (task_id, sequence, account_id, account_seq, shard_seq, type, occurred_at, detail)
           VALUES ($1, 1, $2, $3, $3, 'TaskCompleted', $4, '{}')"""


@pytest.fixture
async def pool(stack: LocalStack) -> AsyncIterator[Pool]:
    pool = await create_pool(stack.settings.database_url)
    await migrate(pool)
    for table in ("read_models.task_events", "read_models.projection_cursors"):
        await pool.execute(f"DELETE FROM {table}")
    await pool.execute("DROP SCHEMA IF EXISTS ops CASCADE")
    await pool.execute(
        "INSERT INTO read_models.projection_cursors (topic, partition, topic_id) VALUES ($1, 0, 'log')", TASKS.name
    )
    yield pool
    await pool.close()


async def happen(pool: Pool, account_id: str, number: int) -> None:
    await pool.execute(EVENT, f"t{number}", account_id, number, NOW)


async def to_all(rows: Sequence[TaskEventRow]) -> list[Planned]:
    return [Planned("w", row) for row in rows]


async def test_each_event_is_planned_once_and_sent_by_one(pool: Pool) -> None:
    deliveries = Deliveries(pool)
    await deliveries.make()
    await deliveries.make()
    for number, account in enumerate(("ann", "ann", "bob"), start=1):
        await happen(pool, account, number)
    assert await deliveries.collect(to_all, NOW, LONG_AGO) == 3
    assert await deliveries.collect(to_all, NOW, LONG_AGO) == 0
    first = await deliveries.claim(NOW, 10, [])
    assert sorted((d.account_id, d.account_seq) for d in first) == [("ann", 1), ("bob", 3)]
    assert [d.account_seq for d in await deliveries.claim(NOW, 10, ["bob"])] == [2]
    assert await deliveries.claim(NOW, 10, []) == []
    # Whoever claimed them died: after the lease they are anybody's.
    assert len(await deliveries.claim(NOW + LEASE, 10, [])) == 2
    assert await deliveries.page("ann", "w", None, 10) != await deliveries.page("bob", "w", None, 10)
    assert await deliveries.again("bob", "w", first[0].delivery_id, NOW) is None or first[0].account_id == "bob"


async def test_lost_it_begins_again_with_recent_events_under_the_same_ids(pool: Pool) -> None:
    deliveries = Deliveries(pool)
    await deliveries.make()
    await happen(pool, "ann", 1)
    await deliveries.collect(to_all, NOW, LONG_AGO)
    before = await deliveries.page("ann", "w", None, 10)
    await pool.execute("DROP SCHEMA ops CASCADE")
    await deliveries.make()
    await deliveries.collect(to_all, NOW, LONG_AGO)
    assert await deliveries.page("ann", "w", None, 10) == before
    await pool.execute("DROP SCHEMA ops CASCADE")
    await deliveries.make()
    await deliveries.collect(to_all, NOW, NOW + timedelta(seconds=1))
    assert await deliveries.page("ann", "w", None, 10) == []


async def test_after_enough_failures_a_webhook_gets_nothing_until_a_redelivery_arrives(pool: Pool) -> None:
    deliveries = Deliveries(pool)
    await deliveries.make()
    for number in range(1, FAILING_AFTER + 1):
        assert await deliveries.failing("ann") == set()
        await happen(pool, "ann", number)
        await deliveries.collect(to_all, NOW, LONG_AGO)
        [delivery] = await deliveries.claim(NOW, 1, [])
        await deliveries.settle(delivery, Answer(500, "", 7), "failed", None, NOW + timedelta(seconds=number))
    assert await deliveries.failing("ann") == {"w"}
    await happen(pool, "ann", 99)
    await deliveries.collect(to_all, NOW, LONG_AGO)
    assert await deliveries.claim(NOW + timedelta(days=9), 9, []) == []
    noted = next(d for d in await deliveries.page("ann", "w", None, 99) if d.account_seq == 99)
    assert (noted.state, noted.attempts) == ("failed", 0)
    later = NOW + timedelta(hours=1)
    assert await deliveries.again("ann", "w", noted.delivery_id, later) is not None
    [again] = await deliveries.claim(later, 9, [])
    assert again.message_id == noted.message_id
    await deliveries.settle(again, Answer(204, "", 7), "delivered", None, later)
    assert await deliveries.failing("ann") == set()
