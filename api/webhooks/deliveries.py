"""What is to be sent and how that went: schema `ops` of PostgreSQL. It is not derived; lost, the last days are sent again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from api.webhooks.tables import LOCK, MAKE
from api.webhooks.transport import Answer
from projections.folds.task_events import TaskEventRow
from projections.postgres import Pool, transaction
from projections.table import SCHEMA
from projections.tables import TASK_EVENT_TABLE
from schemas.ids import derived_id
from schemas.topics import TASKS

CALLBACK = "callback"
PAGE = 500
FAILING_AFTER = 5  # deliveries that failed for good, one after another
LEASE = timedelta(seconds=30)  # after which an attempt whose process died is made again
KEPT = timedelta(days=30)
Delivered = Literal["pending", "delivered", "failed"]
Targets = Callable[[Sequence[TaskEventRow]], Awaitable[Sequence["Planned"]]]
_COLUMNS = (
    "delivery_id, account_id, webhook_id, task_id, account_seq, type, state, attempts, next_attempt, status, error"
)
_COLUMNS += ", took_ms, created_at, updated_at"
_INSERT = """INSERT INTO ops.webhook_deliveries (delivery_id, account_id, webhook_id, task_id, account_seq, type,
     created_at, updated_at, state, error, next_attempt) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10)"""


class Planned(Struct, frozen=True):
    """An event that goes to a webhook."""

    webhook_id: str
    event: TaskEventRow


class Delivery(Struct, frozen=True, kw_only=True):
    """One event for one webhook. `next_attempt` is None when none will be made; `status`, `error` and `took_ms` are those of
    the last attempt.
    """

    delivery_id: str
    account_id: str
    webhook_id: str
    task_id: str
    account_seq: int
    type: str
    state: Delivered
    attempts: int
    next_attempt: datetime | None
    status: int | None
    error: str
    took_ms: int
    created_at: datetime
    updated_at: datetime

    @property
    def message_id(self) -> str:
        """The `webhook-id`, the same for every attempt and every webhook: the account's event."""
        return f"evt_{self.account_id}_{self.account_seq}"


class Deliveries:
    """The tables, any number of processes at once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def make(self) -> None:
        """Make what is missing. Idempotent."""
        async with transaction(self._pool) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            await connection.execute(MAKE)

    async def collect(self, targets: Targets, now: datetime, oldest: datetime) -> int:
        """Plan the deliveries of the next events of the read model; how many events there were, 0 also while another process
        does it. Events before `oldest` are passed over.
        """
        async with transaction(self._pool) as connection:
            place = await connection.fetchrow("SELECT * FROM ops.webhook_place WHERE shard = 0 FOR UPDATE SKIP LOCKED")
            if place is None:
                return 0
            topic_id = await connection.fetchval(
                f"SELECT topic_id FROM {SCHEMA}.projection_cursors WHERE topic = $1 AND partition = 0",  # noqa: S608
                TASKS.name,
            )
            if topic_id is None:
                return 0
            after = place["shard_seq"] if place["topic_id"] == topic_id else 0
            records = await connection.fetch(
                f"{TASK_EVENT_TABLE.select} WHERE shard_seq > $1 AND occurred_at > $2 ORDER BY shard_seq LIMIT {PAGE}",
                after,
                oldest,
            )
            if not records:
                return 0
            rows = [TASK_EVENT_TABLE.decode(record) for record in records]
            await self._plan(connection, await targets(rows), now)
            await connection.execute(
                "UPDATE ops.webhook_place SET topic_id = $1, shard_seq = $2 WHERE shard = 0",
                topic_id,
                rows[-1].shard_seq,
            )
            return len(rows)

    async def claim(self, now: datetime, limit: int, busy: Sequence[str]) -> list[Delivery]:
        """At most `limit` deliveries that are due, at most one an account and none of the accounts in `busy`.

        They are this caller's for `LEASE`.
        """
        records = await self._pool.fetch(
            f"""UPDATE ops.webhook_deliveries SET leased_until = $1::timestamptz + $2::interval WHERE delivery_id IN (
                  SELECT delivery_id FROM ops.webhook_deliveries WHERE delivery_id IN (
                    SELECT DISTINCT ON (account_id) delivery_id FROM ops.webhook_deliveries
                    WHERE state = 'pending' AND next_attempt <= $1 AND coalesce(leased_until, '-infinity') <= $1
                      AND account_id <> ALL($3::text[]) ORDER BY account_id, next_attempt)
                  ORDER BY next_attempt LIMIT $4 FOR UPDATE SKIP LOCKED) RETURNING {_COLUMNS}""",  # noqa: S608
            now,
            LEASE,
            list(busy),
            limit,
        )
        return [Delivery(**record) for record in records]

    async def settle(
        self, delivery: Delivery, answer: Answer, state: Delivered, next_attempt: datetime | None, now: datetime
    ) -> None:
        """An attempt ended; with a time another one follows."""
        await self._pool.execute(
            """UPDATE ops.webhook_deliveries SET state = $2, next_attempt = $3, leased_until = NULL, status = $4, error = $5,
                 took_ms = $6, attempts = attempts + 1, updated_at = $7 WHERE delivery_id = $1""",
            delivery.delivery_id,
            state,
            next_attempt,
            answer.status,
            answer.error,
            answer.took_ms,
            now,
        )

    async def postpone(self, delivery: Delivery, until: datetime) -> None:
        """No attempt could be made; it does not count as one."""
        await self._pool.execute(
            "UPDATE ops.webhook_deliveries SET next_attempt = $2, leased_until = NULL WHERE delivery_id = $1",
            delivery.delivery_id,
            until,
        )

    async def page(
        self, account_id: str, webhook_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[Delivery]:
        """Newest first."""
        at, last = before or (None, None)
        records = await self._pool.fetch(
            f"""SELECT {_COLUMNS} FROM ops.webhook_deliveries WHERE account_id = $1 AND webhook_id = $2
                AND ($3::timestamptz IS NULL OR (created_at, delivery_id) < ($3, $4))
                ORDER BY created_at DESC, delivery_id DESC LIMIT $5""",  # noqa: S608
            account_id,
            webhook_id,
            at,
            last,
            limit,
        )
        return [Delivery(**record) for record in records]

    async def again(self, account_id: str, webhook_id: str, delivery_id: str, now: datetime) -> Delivery | None:
        """Send it once more as soon as possible, whatever happened before; None if the webhook has none of that id."""
        record = await self._pool.fetchrow(
            f"""UPDATE ops.webhook_deliveries SET state = 'pending', attempts = 0, next_attempt = $4, updated_at = $4
                WHERE account_id = $1 AND webhook_id = $2 AND delivery_id = $3 RETURNING {_COLUMNS}""",  # noqa: S608
            account_id,
            webhook_id,
            delivery_id,
            now,
        )
        return None if record is None else Delivery(**record)

    async def renew(self, planned: Planned, now: datetime) -> Delivery:
        """Send an event of any age to the webhook as soon as possible, whether its delivery is remembered or not."""
        record = await self._pool.fetchrow(
            f"""{_INSERT}
                ON CONFLICT (delivery_id) DO UPDATE SET state = 'pending', attempts = 0, next_attempt = $10, updated_at = $7
                RETURNING {_COLUMNS}""",
            *_row(planned, now, failing=False),
        )
        assert record is not None  # an upsert always returns its row
        return Delivery(**record)

    async def failing(self, account_id: str) -> set[str]:
        """Webhooks whose last `FAILING_AFTER` ended deliveries all failed: nothing is sent to them of its own accord."""
        records = await self._pool.fetch(
            """SELECT webhook_id FROM (
                 SELECT webhook_id, state, row_number() OVER (PARTITION BY webhook_id ORDER BY updated_at DESC) AS place
                 FROM ops.webhook_deliveries WHERE account_id = $1 AND state <> 'pending' AND webhook_id <> $2) ended
               WHERE place <= $3 GROUP BY webhook_id HAVING count(*) = $3 AND bool_and(state = 'failed')""",
            account_id,
            CALLBACK,
            FAILING_AFTER,
        )
        return {str(record["webhook_id"]) for record in records}

    async def prune(self, now: datetime) -> None:
        """Forget deliveries that ended long ago."""
        await self._pool.execute(
            "DELETE FROM ops.webhook_deliveries WHERE state <> 'pending' AND updated_at < $1", now - KEPT
        )

    async def _plan(self, connection: Any, planned: Sequence[Planned], now: datetime) -> None:
        accounts = {item.event.account_id for item in planned if item.webhook_id != CALLBACK}
        failing = {(account, webhook) for account in accounts for webhook in await self.failing(account)}
        await connection.executemany(
            f"{_INSERT} ON CONFLICT DO NOTHING",
            [_row(item, now, failing=(item.event.account_id, item.webhook_id) in failing) for item in planned],
        )


def _row(item: Planned, now: datetime, *, failing: bool) -> tuple[Any, ...]:
    """What goes to a failing webhook is noted and waits for its redelivery."""
    event = item.event
    rest = ("failed", "not sent: the webhook is failing", None) if failing else ("pending", "", now)
    delivery_id = derived_id("delivery", item.webhook_id, event.account_id, str(event.account_seq))
    place = (delivery_id, event.account_id, item.webhook_id, event.task_id, event.account_seq, event.type)
    return (*place, now, *rest)
