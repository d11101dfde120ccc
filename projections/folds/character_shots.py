"""Which pictures were made of a character: one row a character of a finished shot."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from projections.folds.task_rows import TaskRow
from schemas.envelope import EPOCH
from schemas.tasks import StageCompleted


class CharacterShotRow(Struct, frozen=True, kw_only=True):
    """The picture of a shot that named the character; its score is in the stage's result, which is sealed."""

    task_id: str
    stage_id: str
    character_id: str
    account_id: str = ""
    key: str = ""
    sha256: str = ""
    size: int = 0
    content_type: str = ""
    width: int = 0
    height: int = 0
    created_at: datetime = EPOCH
    shard_seq: int = 0


def shot_rows(row: TaskRow, event: StageCompleted) -> list[CharacterShotRow]:
    """The rows of one finished stage of the task; none for a stage that names nobody or has no picture."""
    stage = next((stage for stage in row.stages if stage.stage_id == event.stage_id), None)
    main = next((artifact for artifact in event.artifacts if artifact.role == "main"), None)
    if stage is None or main is None:
        return []
    return [
        CharacterShotRow(
            task_id=event.task_id,
            stage_id=event.stage_id,
            character_id=character_id,
            account_id=event.envelope.account_id,
            key=main.key,
            sha256=main.sha256,
            size=main.size,
            content_type=main.content_type,
            width=main.width,
            height=main.height,
            created_at=event.envelope.occurred_at,
            shard_seq=event.stamp.shard_seq,
        )
        for character_id in stage.character_ids
    ]
