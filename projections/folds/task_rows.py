"""The rows of a task and its stages, and the words they use."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from schemas.common import Artifact, Ending, Problem, StageKind, StagePlan, TaskKind, Tier
from schemas.envelope import EPOCH

Status = Literal["queued", "processing", "completed", "failed", "cancelling", "cancelled"]
State = Literal[
    "queued",
    "dispatched",
    "processing",
    "retrying",
    "cancelling",
    "completed",
    "failed",
    "cancelled",
    "expired",
    "rejected",
]
StageStatus = Literal["queued", "dispatched", "processing", "retrying", "completed", "failed", "cancelled"]
TERMINAL: frozenset[str] = frozenset({"completed", "failed", "cancelled", "expired", "rejected"})
_OPEN: frozenset[str] = frozenset({"queued", "dispatched", "processing", "retrying"})


class StageRow(Struct, frozen=True, kw_only=True):
    """One stage. `work` is its size in units of its kind, `render_ms` the time on the device; `deliver` marks results."""

    stage_id: str
    kind: StageKind = StageKind.UNKNOWN
    engine: str = ""
    status: StageStatus = "queued"
    attempt: int = 0
    device_id: str = ""
    work: int = 1
    started_at: datetime | None = None
    finished_at: datetime | None = None
    render_ms: int = 0
    artifacts: list[Artifact] = []
    deliver: bool = False
    problem: Problem | None = None
    not_before: datetime | None = None
    character_ids: list[str] = []

    @property
    def is_open(self) -> bool:
        """Whether it may still run."""
        return self.status in _OPEN


class TaskRow(Struct, frozen=True, kw_only=True):
    """A task as the API shows it: `status` in the API's words, `state` in the state machine's.

    `retry_of` is the task that this one repeats by hand, `cached_from` the one whose result it took. `held`: no stage is given
    to a device until somebody releases the task. `progress` is 0-100; `sealed` the request's ciphertext, `results` each
    finished stage's ciphertext. `sequence` counts the task's events, `account_seq` and `shard_seq` are those of its last one.
    """

    task_id: str
    account_id: str = ""
    request_id: str = ""
    body_hash: str = ""
    kind: TaskKind = TaskKind.UNKNOWN
    status: Status = "queued"
    state: State = "queued"
    ending: Ending = Ending.UNKNOWN
    tier: Tier = Tier.NORMAL
    priority: int = 5
    project: str = ""
    entity_id: str = ""
    retry_of: str = ""
    character_ids: list[str] = []
    stages: list[StageRow] = []
    outputs: list[Artifact] = []
    problem: Problem | None = None
    estimated_ms: int = 0
    progress: int = 0
    cached: bool = False
    cached_from: str = ""
    held: bool = False
    created_at: datetime = EPOCH
    started_at: datetime | None = None
    finished_at: datetime | None = None
    deadline: datetime | None = None
    sealed: bytes = b""
    results: dict[str, bytes] = {}
    sequence: int = 0
    account_seq: int = 0
    shard_seq: int = 0

    @property
    def finished(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in TERMINAL


def planned(plan: StagePlan) -> StageRow:
    """A stage nobody has touched yet."""
    return StageRow(
        stage_id=plan.stage_id,
        kind=plan.kind,
        engine=plan.engine,
        work=max(1, plan.work),
        deliver=plan.deliver,
        character_ids=plan.character_ids,
    )
