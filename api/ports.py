"""What the edge needs of the read model; `projections.queries` provides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from projections.folds.assets import AssetRow
from projections.folds.character_shots import CharacterShotRow
from projections.folds.characters import CharacterRow
from projections.folds.devices import DeviceRow
from projections.folds.quotas import UsageRow
from projections.folds.storyboards import StoryboardRow
from projections.folds.task_events import TaskEventRow
from projections.folds.task_rows import TaskRow
from projections.folds.webhooks import WebhookRow
from schemas.common import Limits, TaskKind

Before = tuple[datetime, str]  # created_at and id of the last row of a page


class ReadModel(Protocol):
    """Queries by account; an account sees only what is its own. Positions are `partition_seq`."""

    async def task(self, account_id: str, task_id: str) -> TaskRow | None:
        """The task, None if the account has none of that id."""

    async def stored_tasks(self, task_ids: Sequence[str]) -> Sequence[TaskRow]:
        """Those of the tasks that exist, of whatever account, without results."""

    async def owner(self, task_id: str) -> str | None:
        """The account of the task, None if there is none of that id."""

    async def tasks(
        self, account_id: str, status: str | None, kind: TaskKind | None, before: Before | None, limit: int
    ) -> Sequence[TaskRow]:
        """At most `limit` tasks that began before `before`, newest first."""

    async def queue_position(self, task_id: str) -> int | None:
        """Place in the queue as `projections.queries` counts it, None when the task does not wait."""

    async def task_events(self, account_id: str, task_id: str, after_account_seq: int) -> Sequence[TaskEventRow]:
        """The task's events after that number of the account, oldest first."""

    async def account_events(self, account_id: str, after_account_seq: int, limit: int) -> Sequence[TaskEventRow]:
        """At most `limit` events of all of the account's tasks after that number, oldest first."""

    async def newest_event(self, account_id: str) -> int:
        """The highest number given to an event of the account, 0 without any."""

    async def usage(self, account_id: str, since_day: str) -> Sequence[UsageRow]:
        """Use by resource and day from `since_day` ("YYYY-MM-DD") on."""

    async def usage_at(self, account_id: str, since_day: str, at: datetime) -> Sequence[UsageRow]:
        """What `usage` would have said at that time."""

    async def limits_at(self, account_id: str, at: datetime) -> Limits | None:
        """What the account might use at that time, None before it was there."""

    async def limits(self, account_id: str) -> Limits | None:
        """What the account may use, None if there is no such account."""

    async def character(self, account_id: str, character_id: str) -> CharacterRow | None:
        """The character, None if the account has none of that id."""

    async def characters(self, account_id: str, before: Before | None, limit: int) -> Sequence[CharacterRow]:
        """At most `limit` characters made before `before`, newest first."""

    async def character_shots(
        self, account_id: str, character_id: str, limit: int
    ) -> Sequence[tuple[CharacterShotRow, bytes]]:
        """The newest pictures that were made of the character, each with the sealed result of its stage."""

    async def stage_results(self, task_ids: Sequence[str], stage_id: str) -> Mapping[str, bytes]:
        """The sealed results of one stage of several tasks, by task."""

    async def similar_characters(
        self, account_id: str, encoder: str, vector: Sequence[float], limit: int
    ) -> Sequence[tuple[CharacterRow, float]]:
        """The account's characters nearest to a vector of the encoder with cosines, best first."""

    async def asset(self, account_id: str, asset_id: str) -> AssetRow | None:
        """The upload, None if the account has none of that id."""

    async def storyboard(self, account_id: str, storyboard_id: str) -> StoryboardRow | None:
        """The storyboard, None if the account has none of that id."""

    async def devices(self) -> Sequence[DeviceRow]:
        """All devices ever seen, by slot."""

    async def webhooks(self, account_id: str) -> Sequence[WebhookRow]:
        """The account's webhooks that were not removed, oldest first."""

    async def wait_for(self, topic: str, partition: int, partition_seq: int, timeout: float) -> bool:
        """Whether the rows reach `partition_seq` within `timeout` seconds."""

    async def drift_rows(self) -> int:
        """How many rows a check by sample found not to be what the log says."""

    async def cursor(self, topic: str, partition: int) -> int:
        """The last `partition_seq` that is in the rows."""
