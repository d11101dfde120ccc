"""The tables of the read models, and which topic feeds which."""

from __future__ import annotations

from typing import Any

from projections.folds.assets import AssetRow
from projections.folds.character_shots import CharacterShotRow
from projections.folds.characters import CharacterImageRow, CharacterRow
from projections.folds.devices import DeviceRow
from projections.folds.quotas import LimitChangeRow, LimitRow, UsageChangeRow, UsageRow
from projections.folds.storyboards import StoryboardRow
from projections.folds.task_events import TaskEventRow
from projections.folds.task_results import TaskResultRow
from projections.folds.task_rows import TaskRow
from projections.folds.users import UserRow
from projections.folds.webhooks import WebhookRow
from projections.table import Table
from schemas.topics import ASSETS, CHARACTERS, DEVICES, QUOTAS, STORYBOARDS, TASKS, USERS, WEBHOOKS, TopicSpec

TASK_TABLE = Table("tasks", TaskRow, ["task_id"], left_out=["results"])
TASK_RESULT_TABLE = Table("task_results", TaskResultRow, ["task_id", "stage_id"])
TASK_EVENT_TABLE = Table("task_events", TaskEventRow, ["task_id", "sequence"])
USAGE_TABLE = Table("quota_usage", UsageRow, ["account_id", "resource", "day"])
LIMIT_TABLE = Table("quota_limits", LimitRow, ["account_id", "resource"])
USAGE_HISTORY_TABLE = Table("quota_usage_history", UsageChangeRow, ["account_id", "resource", "day", "shard_seq"])
LIMIT_HISTORY_TABLE = Table("quota_limit_history", LimitChangeRow, ["account_id", "resource", "shard_seq"])
USER_TABLE = Table("users", UserRow, ["account_id"])
CHARACTER_TABLE = Table("characters", CharacterRow, ["character_id"])
CHARACTER_IMAGE_TABLE = Table("character_images", CharacterImageRow, ["character_id", "revision", "key"])
CHARACTER_SHOT_TABLE = Table("character_shots", CharacterShotRow, ["task_id", "stage_id", "character_id"])
ASSET_TABLE = Table("assets", AssetRow, ["asset_id"])
STORYBOARD_TABLE = Table("storyboards", StoryboardRow, ["storyboard_id"])
WEBHOOK_TABLE = Table("webhooks", WebhookRow, ["webhook_id"])
DEVICE_TABLE = Table("devices", DeviceRow, ["device_id"])

TABLES: dict[str, Table[Any]] = {
    table.relation: table
    for table in (
        TASK_TABLE,
        TASK_RESULT_TABLE,
        TASK_EVENT_TABLE,
        USAGE_TABLE,
        LIMIT_TABLE,
        USAGE_HISTORY_TABLE,
        LIMIT_HISTORY_TABLE,
        USER_TABLE,
        CHARACTER_TABLE,
        CHARACTER_IMAGE_TABLE,
        CHARACTER_SHOT_TABLE,
        ASSET_TABLE,
        STORYBOARD_TABLE,
        WEBHOOK_TABLE,
        DEVICE_TABLE,
    )
}
PROJECTED: tuple[TopicSpec, ...] = (TASKS, QUOTAS, USERS, CHARACTERS, ASSETS, STORYBOARDS, WEBHOOKS, DEVICES)
FED_BY: dict[str, tuple[str, ...]] = {
    TASKS.name: ("tasks", "task_results", "task_events", "character_shots"),
    QUOTAS.name: ("quota_usage", "quota_limits", "quota_usage_history", "quota_limit_history"),
    USERS.name: ("users",),
    CHARACTERS.name: ("characters", "character_images"),
    ASSETS.name: ("assets",),
    STORYBOARDS.name: ("storyboards",),
    WEBHOOKS.name: ("webhooks",),
    DEVICES.name: ("devices",),
}
