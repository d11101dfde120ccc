"""Event histories as the coordinator would write them: stamped, sequenced, in order."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any, TypeVar

from msgspec.structs import replace

from schemas.common import Artifact, StageKind, StagePlan, TaskKind
from schemas.envelope import EPOCH, Envelope, LedgerRecord, Stamp
from schemas.quotas import QuotaCommitted, QuotaReserved
from schemas.tasks import (
    StageCompleted,
    StageDispatched,
    StageStarted,
    TaskCompleted,
    TaskEvent,
    TaskQueued,
)
from schemas.topics import TOPIC_OF

E = TypeVar("E", bound=LedgerRecord)


class Ledger:
    """Stamps events of one shard. `mark` and `reset` undo what an aborted transaction never wrote."""

    def __init__(self) -> None:
        self.shard_seq = 0
        self.partition_seq: dict[str, int] = defaultdict(int)
        self.account_seq: dict[str, int] = defaultdict(int)
        self.sequence: dict[str, int] = defaultdict(int)

    def stamp(self, event: E, account: str, aggregate: str) -> E:
        """The event with envelope and stamp of its place."""
        topic = TOPIC_OF[type(event)].name
        self.shard_seq += 1
        self.partition_seq[topic] += 1
        self.sequence[aggregate] += 1
        if isinstance(event, TaskEvent):
            self.account_seq[account] += 1
        envelope = Envelope(
            event_id=f"event-{self.shard_seq}",
            aggregate_id=aggregate,
            sequence=self.sequence[aggregate],
            account_id=account,
            occurred_at=EPOCH + timedelta(days=20_000, milliseconds=self.shard_seq),
        )
        stamp = Stamp(
            shard_seq=self.shard_seq,
            partition_seq=self.partition_seq[topic],
            account_seq=self.account_seq[account] if isinstance(event, TaskEvent) else 0,
        )
        return replace(event, envelope=envelope, stamp=stamp)

    def mark(self) -> tuple[Any, ...]:
        """Where the ledger stands."""
        return self.shard_seq, dict(self.partition_seq), dict(self.account_seq), dict(self.sequence)

    def reset(self, mark: tuple[Any, ...]) -> None:
        """Go back to a mark."""
        self.shard_seq = mark[0]
        for counts, saved in zip((self.partition_seq, self.account_seq, self.sequence), mark[1:], strict=True):
            counts.clear()
            counts.update(saved)

    def task(self, event: TaskEvent, account: str = "ann") -> Any:
        """A stamped task event."""
        return self.stamp(event, account, event.task_id)

    def image(self, task_id: str, account: str = "ann", sealed: bytes = b"secret") -> list[LedgerRecord]:
        """A picture from the queue to its end, with its quota."""
        stage: dict[str, Any] = {"stage_id": "image-1", "attempt": 1, "device_id": "cpu-0", "epoch": 1}
        made = [Artifact(stage_id="image-1", role="main", key=f"{task_id}/image-1.png", size=10, width=64, height=64)]
        booking: dict[str, Any] = {"task_id": task_id, "resource": "images", "day": "2026-05-04", "amount": 1}
        return [
            self.stamp(QuotaReserved(**booking, used=0, reserved=1), account, account),
            self.task(
                TaskQueued(
                    task_id=task_id,
                    request_id=f"request-{task_id}",
                    body_hash="hash",
                    kind=TaskKind.IMAGE,
                    stages=[plan("image-1", work=983, deliver=True)],
                    sealed=sealed,
                ),
                account,
            ),
            self.task(StageDispatched(task_id=task_id, **stage, command_id="command"), account),
            self.task(StageStarted(task_id=task_id, **stage), account),
            self.task(
                StageCompleted(task_id=task_id, **stage, artifacts=made, render_ms=40, sealed=b"recipe"), account
            ),
            self.task(TaskCompleted(task_id=task_id, outputs=made), account),
            self.stamp(QuotaCommitted(**booking, used=1, reserved=0), account, account),
        ]


def plan(stage_id: str, kind: StageKind = StageKind.SHOT, work: int = 1, deliver: bool = False) -> StagePlan:
    """A planned stage."""
    return StagePlan(stage_id=stage_id, kind=kind, engine="null", work=work, deliver=deliver, sealed=b"spec")
