"""Task events: the life of every task and of each of its stages, past tense, written by the coordinator alone."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from schemas.common import Artifact, Ending, Problem, StagePlan, TaskKind, Tier
from schemas.envelope import EPOCH, LedgerRecord


class TaskEvent(LedgerRecord, frozen=True, kw_only=True):
    """Base: `envelope.aggregate_id` and `task_id` are the task."""

    task_id: str = ""


class TaskQueued(TaskEvent, frozen=True, kw_only=True):
    """Accepted and waiting. Holds everything needed to run it, so that a restart needs nothing but the log.

    `estimated_ms` is what the client was told: the waiting work and this task's own, shared by the live devices. `retry_of`
    is the task that this one repeats by hand. A task that takes an earlier result has no stages.
    """

    request_id: str = ""
    body_hash: str = ""
    kind: TaskKind = TaskKind.UNKNOWN
    tier: Tier = Tier.NORMAL
    priority: int = 5
    stages: list[StagePlan] = []
    estimated_ms: int = 0
    deadline: datetime | None = None
    character_ids: list[str] = []
    entity_id: str = ""  # the storyboard or character this task makes, "" elsewhere
    project: str = ""
    sealed: bytes = b""
    retry_of: str = ""
    reuse_hash: str = ""


class TaskRejected(TaskEvent, frozen=True, kw_only=True):
    """A request for work that was refused; nothing was reserved."""

    request_id: str = ""
    body_hash: str = ""
    kind: TaskKind = TaskKind.UNKNOWN
    problem: Problem = Problem()


class StagesPlanned(TaskEvent, frozen=True, kw_only=True):
    """A script became a film plan: these stages were added to the task."""

    stages: list[StagePlan] = []


class PassedOver(Struct, frozen=True, kw_only=True):
    """A stage whose turn it was when the device took one whose model it holds; kept waiting for that reason `since`."""

    task_id: str = ""
    stage_id: str = ""
    since: datetime = EPOCH


class StageDispatched(TaskEvent, frozen=True, kw_only=True):
    """A command for the stage went to a device slot; `command_id` names it."""

    stage_id: str = ""
    attempt: int = 0
    device_id: str = ""
    slot: int = 0
    epoch: int = 0
    command_id: str = ""
    passed: PassedOver | None = None


class StageStarted(TaskEvent, frozen=True, kw_only=True):
    """The device began to render the stage."""

    stage_id: str = ""
    attempt: int = 0
    device_id: str = ""
    epoch: int = 0


class StageCompleted(TaskEvent, frozen=True, kw_only=True):
    """The stage's files are stored. `render_ms` is the time on the device; `sealed` holds recipe, summary and data.

    `loaded` are the engines whose models the device holds afterwards, null when it does not tell.
    """

    stage_id: str = ""
    attempt: int = 0
    device_id: str = ""
    epoch: int = 0
    artifacts: list[Artifact] = []
    render_ms: int = 0
    sealed: bytes = b""
    engine_version: str = ""
    loaded: list[str] | None = None


class StageRetryScheduled(TaskEvent, frozen=True, kw_only=True):
    """The stage runs again, not before `not_before`. `counted` is false for lost devices, which cost no attempt.

    `avoid_device` ran out of memory with it: from now on any other device that can do it goes first, "" = none did.
    """

    stage_id: str = ""
    attempt: int = 0
    counted: bool = True
    problem: Problem = Problem()
    not_before: datetime = EPOCH
    avoid_device: str = ""


class StageStopped(TaskEvent, frozen=True, kw_only=True):
    """A stage of a task that is being stopped is no longer on any device, whatever its outcome was."""

    stage_id: str = ""
    attempt: int = 0
    outcome: str = ""


class TaskHeld(TaskEvent, frozen=True, kw_only=True):
    """No stage is given to a device from now on; what runs goes on and counts. `asked_by` "" = the task's own account."""

    asked_by: str = ""
    request_id: str = ""


class TaskReleased(TaskEvent, frozen=True, kw_only=True):
    """The hold is over: stages that can run queue up anew. `asked_by` "" = the task's own account."""

    asked_by: str = ""
    request_id: str = ""


class TaskCancelling(TaskEvent, frozen=True, kw_only=True):
    """The task is being stopped and will end as `ending`; its stages in the queue are dropped at once."""

    ending: Ending = Ending.CANCELLED
    problem: Problem | None = None


class TaskCancelled(TaskEvent, frozen=True, kw_only=True):
    """Stopped on request; nothing is charged."""


class TaskCompleted(TaskEvent, frozen=True, kw_only=True):
    """Every stage is done; `outputs` are the files the client asked for. `cached`: they are those of the equal task
    `cached_from`, and nothing was rendered.
    """

    outputs: list[Artifact] = []
    cached: bool = False
    cached_from: str = ""


class TaskFailed(TaskEvent, frozen=True, kw_only=True):
    """A stage failed for good; nothing is charged."""

    problem: Problem = Problem()


class TaskExpired(TaskEvent, frozen=True, kw_only=True):
    """The deadline passed first; nothing is charged."""

    problem: Problem = Problem()


AnyTaskEvent = (
    TaskQueued
    | TaskRejected
    | StagesPlanned
    | StageDispatched
    | StageStarted
    | StageCompleted
    | StageRetryScheduled
    | StageStopped
    | TaskHeld
    | TaskReleased
    | TaskCancelling
    | TaskCancelled
    | TaskCompleted
    | TaskFailed
    | TaskExpired
)
