"""What the API asks of the read models. Whatever belongs to an account is asked for together with the account."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from asyncpg import Record
from msgspec import Struct
from msgspec.structs import replace

from projections.folds.as_of import limits_as_of, usage_as_of
from projections.folds.assets import AssetRow
from projections.folds.character_shots import CharacterShotRow
from projections.folds.characters import CharacterImageRow, CharacterRow
from projections.folds.devices import DeviceRow
from projections.folds.quotas import UsageRow
from projections.folds.storyboards import StoryboardRow
from projections.folds.task_events import TaskEventRow
from projections.folds.task_rows import TaskRow
from projections.folds.users import UserRow, effective_limits
from projections.folds.webhooks import WebhookRow
from projections.postgres import Pool, retrying
from projections.row_store import vector_text
from projections.table import SCHEMA, Table
from projections.tables import (
    ASSET_TABLE,
    CHARACTER_IMAGE_TABLE,
    CHARACTER_SHOT_TABLE,
    CHARACTER_TABLE,
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

Row = TypeVar("Row", bound=Struct)
Before = tuple[datetime, str]
"""Place in a list ordered newest first: `created_at` and id of the last row seen."""
_POLL = 0.01
PATIENCE = 1.5


class Queries:
    """Reads through a pool; any number may run at once. A query that takes `patience` seconds fails."""

    def __init__(self, pool: Pool, patience: float = PATIENCE) -> None:
        self._pool, self._patience = pool, patience

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

    async def character(self, account_id: str, character_id: str) -> CharacterRow | None:
        """One character."""
        return await self._one(CHARACTER_TABLE, "account_id = $1 AND character_id = $2", account_id, character_id)

    async def characters(self, account_id: str, before: Before | None = None, limit: int = 50) -> list[CharacterRow]:
        """Newest first."""
        return await self._page(CHARACTER_TABLE, "character_id", "account_id = $1", [account_id], before, limit)

    async def character_images(self, account_id: str, character_id: str) -> list[CharacterImageRow]:
        """Pictures of all revisions, newest revision first."""
        where = "account_id = $1 AND character_id = $2 ORDER BY revision DESC, role, key"
        return await self._many(CHARACTER_IMAGE_TABLE, where, account_id, character_id)

    async def character_shots(
        self, account_id: str, character_id: str, limit: int = 50
    ) -> list[tuple[CharacterShotRow, bytes]]:
        """The newest pictures that were made of the character, each with the sealed result of its stage."""
        rows = await self._fetch(
            f"""SELECT s.*, r.sealed FROM {SCHEMA}.character_shots s
                LEFT JOIN {SCHEMA}.task_results r ON r.task_id = s.task_id AND r.stage_id = s.stage_id
                WHERE s.account_id = $1 AND s.character_id = $2
                ORDER BY s.created_at DESC, s.task_id DESC, s.stage_id DESC LIMIT $3""",  # noqa: S608
            account_id,
            character_id,
            limit,
        )
        return [(CHARACTER_SHOT_TABLE.decode(row), row["sealed"] or b"") for row in rows]

    async def stage_results(self, task_ids: Sequence[str], stage_id: str) -> dict[str, bytes]:
        """The sealed results of one stage of several tasks, by task."""
        rows = await self._fetch(
            f"SELECT task_id, sealed FROM {SCHEMA}.task_results WHERE task_id = ANY($1) AND stage_id = $2",  # noqa: S608
            list(task_ids),
            stage_id,
        )
        return {row["task_id"]: row["sealed"] for row in rows}

    async def similar_characters(
        self, account_id: str, encoder: str, vector: Sequence[float], limit: int = 10
    ) -> list[tuple[CharacterRow, float]]:
        """The account's characters nearest to a 768-d vector of the encoder, with cosine similarity -1..1, best first.

        Vectors of another encoder are never looked at. The index holds all accounts; it is read on until enough of this
        account's were found (pgvector's iterative scan), so that a crowd of others hides none of them.
        """
        sql = f"""SELECT {CHARACTER_TABLE.quoted}, 1 - (embedding <=> $3::text::vector) AS score FROM {SCHEMA}.characters
            WHERE account_id = $1 AND encoder = $2 ORDER BY embedding <=> $3::text::vector LIMIT $4"""  # noqa: S608

        async def work() -> list[Record]:
            connection: Any
            async with self._pool.acquire(timeout=self._patience) as connection, connection.transaction(readonly=True):
                await connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
                return list(await connection.fetch(sql, account_id, encoder, vector_text(vector), limit))

        rows = await retrying(work, timeout=self._patience)
        return [(CHARACTER_TABLE.decode(row), float(row["score"])) for row in rows]

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

    async def _fetch(self, sql: str, *arguments: Any) -> list[Record]:
        """Rows of a query; a connection that broke meanwhile is replaced once or twice."""

        async def work() -> list[Record]:
            connection: Any
            async with self._pool.acquire(timeout=self._patience) as connection:
                return list(await connection.fetch(sql, *arguments))

        return await retrying(work, timeout=self._patience)

    async def _value(self, sql: str, *arguments: Any) -> Any:
        found = await self._fetch(sql, *arguments)
        return found[0][0] if found else None

    async def _one(self, table: Table[Row], where: str, *arguments: Any) -> Row | None:
        found = await self._many(table, where, *arguments)
        return found[0] if found else None

    async def _many(self, table: Table[Row], where: str, *arguments: Any) -> list[Row]:
        records = await self._fetch(f"{table.select} WHERE {where}", *arguments)
        return [table.decode(record) for record in records]

    async def _page(
        self, table: Table[Row], key: str, where: str, arguments: list[Any], before: Before | None, limit: int
    ) -> list[Row]:
        if before is not None:
            where += f" AND (created_at, {key}) < (${len(arguments) + 1}, ${len(arguments) + 2})"
            arguments = [*arguments, *before]
        order = f" ORDER BY created_at DESC, {key} DESC LIMIT ${len(arguments) + 1}"
        return await self._many(table, where + order, *arguments, limit)
