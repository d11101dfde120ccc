"""What the API asks of the read models. Whatever belongs to an account is asked for together with the account."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from projections.character_queries import CharacterQueries
from projections.folds.as_of import limits_as_of, usage_as_of
from projections.folds.assets import AssetRow
from projections.folds.devices import DeviceRow
from projections.folds.quotas import UsageRow
from projections.folds.storyboards import StoryboardRow
from projections.folds.task_events import TaskEventRow
from projections.folds.task_rows import TaskRow
from projections.folds.users import UserRow, effective_limits
from projections.folds.webhooks import WebhookRow
from projections.reading import Before
from projections.table import SCHEMA
from projections.tables import (
    ASSET_TABLE,
    DEVICE_TABLE,
    LIMIT_HISTORY_TABLE,
    LIMIT_TABLE,
    STORYBOARD_TABLE,
    TASK_EVENT_TABLE,
    TASK_TABLE,
    USAGE_HISTORY_TABLE,
    USAGE_TABLE,
    USER_TABLE,
    WEBHOOK_TABLE,
)
from schemas.common import Limits, TaskKind

_POLL = 0.01


class Queries(CharacterQueries):
    """Reads through a pool; any number may run at once. A query that takes `patience` seconds fails."""

    async def task(self, account_id: str, task_id: str) -> TaskRow | None:
        """One task with the sealed results of its finished stages; a rejected request shows as a failed task."""
        row = await self._one(TASK_TABLE, "account_id = $1 AND task_id = $2", account_id, task_id)
        if row is None or not row.stages:
            return row
        results = await self._fetch(
            f"SELECT stage_id, sealed FROM {SCHEMA}.task_results WHERE task_id = $1 ORDER BY stage_id",  # noqa: S608
            task_id,
        )
        return replace(row, results={found["stage_id"]: found["sealed"] for found in results})

    async def stored_tasks(self, task_ids: Sequence[str]) -> list[TaskRow]:
        """Those of the tasks that there are, of any account and without results; whose they are is the caller's to check."""
        return await self._many(TASK_TABLE, "task_id = ANY($1)", list(task_ids))

    async def owner(self, task_id: str) -> str | None:
        """The account of a task, for operators."""
        found = await self._value(f"SELECT account_id FROM {SCHEMA}.tasks WHERE task_id = $1", task_id)  # noqa: S608
        return None if found is None else str(found)

    async def tasks(
        self,
        account_id: str,
        status: str | None = None,
        kind: TaskKind | None = None,
        before: Before | None = None,
        limit: int = 50,
    ) -> list[TaskRow]:
        """Newest first, without results and without requests that were rejected."""
        where = "account_id = $1 AND state <> 'rejected' AND ($2::text IS NULL OR status = $2)"
        where += " AND ($3::text IS NULL OR kind = $3)"
        kind_text = None if kind is None else kind.value
        return await self._page(TASK_TABLE, "task_id", where, [account_id, status, kind_text], before, limit)

    async def task_events(self, account_id: str, task_id: str, after_account_seq: int = 0) -> list[TaskEventRow]:
        """History of one task, oldest first, after a place in the account's stream."""
        where = "account_id = $1 AND task_id = $2 AND account_seq > $3 ORDER BY sequence"
        return await self._many(TASK_EVENT_TABLE, where, account_id, task_id, after_account_seq)

    async def account_events(self, account_id: str, after_account_seq: int = 0, limit: int = 500) -> list[TaskEventRow]:
        """The account's stream of task events, oldest first."""
        where = "account_id = $1 AND account_seq > $2 ORDER BY account_seq LIMIT $3"
        return await self._many(TASK_EVENT_TABLE, where, account_id, after_account_seq, limit)

    async def newest_event(self, account_id: str) -> int:
        """The highest account_seq of the account's task events, 0 without any."""
        found = await self._value(
            f"SELECT max(account_seq) FROM {SCHEMA}.task_events WHERE account_id = $1",  # noqa: S608
            account_id,
        )
        return int(found or 0)

    async def queue_position(self, task_id: str) -> int | None:
        """1 for the task that is served next if priorities and ages alone decide; None unless it waits and is not held."""
        position = await self._value(
            f"""SELECT (SELECT count(*) FROM {SCHEMA}.tasks o WHERE o.state IN ('queued', 'retrying') AND NOT o.held AND
                  (-o.priority, o.created_at, o.task_id) <= (-t.priority, t.created_at, t.task_id))
                FROM {SCHEMA}.tasks t WHERE t.task_id = $1 AND t.state IN ('queued', 'retrying') AND NOT t.held""",  # noqa: S608
            task_id,
        )
        return None if position is None else int(position)

    async def usage(self, account_id: str, since_day: str) -> list[UsageRow]:
        """Use per resource and day from "YYYY-MM-DD" on, newest day first."""
        return await self._many(
            USAGE_TABLE, "account_id = $1 AND day >= $2 ORDER BY day DESC, resource", account_id, since_day
        )

    async def usage_at(self, account_id: str, since_day: str, at: datetime) -> list[UsageRow]:
        """What `usage` would have said at that time."""
        last = f"""SELECT DISTINCT ON (resource, day) {USAGE_HISTORY_TABLE.quoted} FROM {USAGE_HISTORY_TABLE.name}
            WHERE account_id = $1 AND day >= $2 AND occurred_at <= $3 ORDER BY resource, day, shard_seq DESC"""  # noqa: S608
        rows = await self._fetch(last, account_id, since_day, at)
        return usage_as_of(map(USAGE_HISTORY_TABLE.decode, rows), at)

    async def limits_at(self, account_id: str, at: datetime) -> Limits | None:
        """The limits that held at that time; None before the account was there."""
        user = await self._one(USER_TABLE, "account_id = $1 AND created_at <= $2", account_id, at)
        if user is None:
            return None
        changes = await self._many(LIMIT_HISTORY_TABLE, "account_id = $1 ORDER BY shard_seq", account_id)
        return effective_limits(user.limits, limits_as_of(changes, at))

    async def user(self, account_id: str) -> UserRow | None:
        """The account with the limits that hold now."""
        row = await self._one(USER_TABLE, "account_id = $1", account_id)
        if row is None:
            return None
        changes = await self._many(LIMIT_TABLE, "account_id = $1", account_id)
        return replace(row, limits=effective_limits(row.limits, changes))

    async def limits(self, account_id: str) -> Limits | None:
        """The limits that hold now; None for an unknown account."""
        row = await self.user(account_id)
        return None if row is None else row.limits

    async def asset(self, account_id: str, asset_id: str) -> AssetRow | None:
        """One upload."""
        return await self._one(ASSET_TABLE, "account_id = $1 AND asset_id = $2", account_id, asset_id)

    async def storyboard(self, account_id: str, storyboard_id: str) -> StoryboardRow | None:
        """One storyboard at its latest revision."""
        return await self._one(STORYBOARD_TABLE, "account_id = $1 AND storyboard_id = $2", account_id, storyboard_id)

    async def webhooks(self, account_id: str) -> list[WebhookRow]:
        """The account's webhooks that were not removed, oldest first."""
        return await self._many(
            WEBHOOK_TABLE, "account_id = $1 AND NOT removed ORDER BY created_at, webhook_id", account_id
        )

    async def devices(self) -> list[DeviceRow]:
        """All devices ever seen, by slot."""
        return await self._many(DEVICE_TABLE, "true ORDER BY slot, device_id")

    async def cursor(self, topic: str, partition: int) -> int:
        """`partition_seq` of the last record of the partition the rows hold, 0 for none."""
        found = await self._value(
            f"SELECT partition_seq FROM {SCHEMA}.projection_cursors WHERE topic = $1 AND partition = $2",  # noqa: S608
            topic,
            partition,
        )
        return int(found or 0)

    async def drift_rows(self) -> int:
        """How many rows the standing check has found not to be what the log says."""
        return int(await self._value(f"SELECT count(*) FROM {SCHEMA}.projection_drift"))  # noqa: S608

    async def wait_for(self, topic: str, partition: int, partition_seq: int, timeout: float) -> bool:
        """Wait until the rows hold that record; False when `timeout` seconds passed first."""
        deadline = time.monotonic() + timeout
        while await self.cursor(topic, partition) < partition_seq:
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_POLL)
        return True
