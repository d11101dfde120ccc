"""What a finished stage of a task left, as a row of its own: written once, never folded over."""

from __future__ import annotations

from msgspec import Struct

from schemas.tasks import StageCompleted


class TaskResultRow(Struct, frozen=True, kw_only=True):
    """The ciphertext of a finished stage's result."""

    task_id: str
    stage_id: str
    sealed: bytes = b""
    shard_seq: int = 0


def result_row(event: StageCompleted) -> TaskResultRow:
    """The row of one finished stage."""
    return TaskResultRow(
        task_id=event.task_id, stage_id=event.stage_id, sealed=event.sealed, shard_seq=event.stamp.shard_seq
    )
