"""Storyboard events into the latest revision of each board."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from projections.folds.guard import is_old
from schemas.entities import AnyStoryboardEvent
from schemas.envelope import EPOCH


class StoryboardRow(Struct, frozen=True, kw_only=True):
    """A storyboard; duration in milliseconds. `sealed` holds the draft."""

    storyboard_id: str
    account_id: str = ""
    task_id: str = ""
    revision: int = 0
    shot_count: int = 0
    duration_ms: int = 0
    created_at: datetime = EPOCH
    updated_at: datetime = EPOCH
    sealed: bytes = b""
    shard_seq: int = 0


def apply_storyboard(row: StoryboardRow | None, event: AnyStoryboardEvent) -> StoryboardRow:
    """The board after the event."""
    if row is not None and is_old(row, event):
        return row
    at = event.envelope.occurred_at
    return StoryboardRow(
        storyboard_id=event.storyboard_id,
        account_id=event.envelope.account_id,
        task_id=event.task_id,
        revision=event.revision,
        shot_count=event.shot_count,
        duration_ms=event.duration_ms,
        created_at=row.created_at if row else at,
        updated_at=at,
        sealed=event.sealed,
        shard_seq=event.stamp.shard_seq,
    )
