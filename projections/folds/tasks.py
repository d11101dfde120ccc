"""Task events into task rows."""

from __future__ import annotations

from typing import Any, assert_never

from msgspec.structs import replace

from projections.folds.guard import is_old, unexpected
from projections.folds.progress import percent, running_state
from projections.folds.task_rows import StageRow, State, Status, TaskRow, planned
from schemas.common import Ending, Problem
from schemas.tasks import (
    AnyTaskEvent,
    StageCompleted,
    StageDispatched,
    StageRetryScheduled,
    StagesPlanned,
    StageStarted,
    StageStopped,
    TaskCancelled,
    TaskCancelling,
    TaskCompleted,
    TaskExpired,
    TaskFailed,
    TaskHeld,
    TaskQueued,
    TaskRejected,
    TaskReleased,
)

_API_WORDS: dict[State, Status] = {
    "queued": "queued",
    "dispatched": "queued",
    "retrying": "queued",
    "processing": "processing",
    "cancelling": "cancelling",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "expired": "failed",
    "rejected": "failed",
}


def apply_task(row: TaskRow | None, event: AnyTaskEvent) -> TaskRow:
    """The row after the event. Raises `ContractError` for an event that cannot follow what the row holds."""
    if row is not None and is_old(row, event):
        return row
    if isinstance(event, TaskQueued | TaskRejected):
        if row is not None and row.state != "rejected":
            raise unexpected(event, f"task {event.task_id} exists already")
        return _seen(_opened(event), event)
    if row is None:
        raise unexpected(event, f"task {event.task_id} is unknown")
    if row.finished:
        raise unexpected(event, f"task {event.task_id} has ended as {row.state}")
    return _seen(_changed(row, event), event)


def _seen(row: TaskRow, event: AnyTaskEvent) -> TaskRow:
    return replace(
        row,
        sequence=event.envelope.sequence,
        account_seq=event.stamp.account_seq,
        shard_seq=event.stamp.shard_seq,
    )


def _opened(event: TaskQueued | TaskRejected) -> TaskRow:
    common: dict[str, Any] = {
        "task_id": event.task_id,
        "account_id": event.envelope.account_id,
        "request_id": event.request_id,
        "body_hash": event.body_hash,
        "kind": event.kind,
        "created_at": event.envelope.occurred_at,
    }
    if isinstance(event, TaskRejected):
        rejected = TaskRow(problem=event.problem, finished_at=event.envelope.occurred_at, **common)
        return replace(rejected, state="rejected", status=_API_WORDS["rejected"])
    return TaskRow(
        tier=event.tier,
        priority=event.priority,
        project=event.project,
        entity_id=event.entity_id,
        retry_of=event.retry_of,
        character_ids=event.character_ids,
        stages=[planned(plan) for plan in event.stages],
        estimated_ms=event.estimated_ms,
        deadline=event.deadline,
        sealed=event.sealed,
        **common,
    )


def _changed(
    row: TaskRow,
    event: StagesPlanned
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
    | TaskExpired,
) -> TaskRow:
    at = event.envelope.occurred_at
    match event:
        case StagesPlanned():
            return _with_stages(row, [*row.stages, *(planned(plan) for plan in event.stages)])
        case StageDispatched():
            change = {"status": "dispatched", "attempt": event.attempt, "device_id": event.device_id}
            return _with_stage(row, event, {**change, "started_at": None, "not_before": None})
        case StageStarted():
            started = _with_stage(row, event, {"status": "processing", "device_id": event.device_id, "started_at": at})
            return replace(started, started_at=row.started_at or at)
        case StageCompleted():
            return _completed_stage(row, event)
        case StageRetryScheduled():
            retry = {"status": "retrying", "problem": event.problem, "not_before": event.not_before}
            return _with_stage(row, event, retry)
        case StageStopped():
            return _with_stage(row, event, {"status": "cancelled", "finished_at": at})
        case TaskHeld():
            return replace(row, held=True)
        case TaskReleased():
            return replace(row, held=False)
        case TaskCancelling():
            return _stopping(row, event)
        case TaskCompleted():
            done = _ended(row, event, "completed", None)
            return replace(
                done, outputs=event.outputs, cached=event.cached, cached_from=event.cached_from, progress=100
            )
        case TaskCancelled():
            return _ended(row, event, "cancelled", row.problem)
        case TaskFailed():
            return _ended(row, event, "failed", event.problem)
        case TaskExpired():
            return _ended(row, event, "expired", event.problem)
    assert_never(event)


def _completed_stage(row: TaskRow, event: StageCompleted) -> TaskRow:
    change = {
        "status": "completed",
        "attempt": event.attempt,
        "device_id": event.device_id,
        "artifacts": event.artifacts,
        "render_ms": event.render_ms,
        "finished_at": event.envelope.occurred_at,
        "problem": None,
        "not_before": None,
    }
    return replace(_with_stage(row, event, change), results={**row.results, event.stage_id: event.sealed})


def _with_stage(
    row: TaskRow,
    event: StageDispatched | StageStarted | StageCompleted | StageRetryScheduled | StageStopped,
    change: dict[str, Any],
) -> TaskRow:
    if all(stage.stage_id != event.stage_id for stage in row.stages):
        raise unexpected(event, f"stage {event.stage_id} of task {event.task_id} is unknown")
    return _with_stages(row, [replace(s, **change) if s.stage_id == event.stage_id else s for s in row.stages])


def _with_stages(row: TaskRow, stages: list[StageRow]) -> TaskRow:
    row = replace(row, stages=stages, progress=percent(stages, row.progress))
    return row if row.state == "cancelling" else _in_state(row, running_state(stages))


def _in_state(row: TaskRow, state: State) -> TaskRow:
    return replace(row, state=state, status=_API_WORDS[state])


def _stopping(row: TaskRow, event: TaskCancelling) -> TaskRow:
    """Only a cancellation shows as one; a task that will fail or expire keeps its word until it has."""
    status: Status = "cancelling" if event.ending == Ending.CANCELLED else row.status
    problem = event.problem or row.problem
    return replace(row, state="cancelling", status=status, ending=event.ending, problem=problem, held=False)


def _ended(row: TaskRow, event: AnyTaskEvent, state: State, problem: Problem | None) -> TaskRow:
    at = event.envelope.occurred_at
    stages = [_closed(stage, state) if stage.is_open else stage for stage in row.stages]
    return replace(_in_state(row, state), stages=stages, problem=problem, finished_at=at, held=False)


def _closed(stage: StageRow, state: State) -> StageRow:
    """What is left open when the task ends: the stage that ran is the one that failed, the others were dropped."""
    if state == "failed" and stage.status in ("processing", "dispatched"):
        return replace(stage, status="failed", not_before=None)
    return replace(stage, status="cancelled", not_before=None)
