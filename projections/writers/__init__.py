"""Events of one topic into its tables, inside the caller's transaction: load the rows, fold, write what changed."""

from __future__ import annotations

from projections.writers.base import Refused, Unseal, Writer
from projections.writers.characters import write_characters
from projections.writers.quotas import write_quotas
from projections.writers.simple import write_assets, write_devices, write_storyboards, write_users, write_webhooks
from projections.writers.tasks import write_tasks
from schemas.topics import ASSETS, CHARACTERS, DEVICES, QUOTAS, STORYBOARDS, TASKS, USERS, WEBHOOKS

__all__ = ["WRITERS", "Refused", "Unseal", "Writer"]

WRITERS: dict[str, Writer] = {
    TASKS.name: write_tasks,
    QUOTAS.name: write_quotas,
    USERS.name: write_users,
    CHARACTERS.name: write_characters,
    ASSETS.name: write_assets,
    STORYBOARDS.name: write_storyboards,
    WEBHOOKS.name: write_webhooks,
    DEVICES.name: write_devices,
}
