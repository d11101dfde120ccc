"""How tasks end: cancel, fail, expire, complete. A task that is being stopped ends when no stage is on a device any more."""

from __future__ import annotations

from typing import assert_never

from schemas.common import Artifact, Ending, Problem, TaskKind
from schemas.decisions import Outcome
from schemas.entities import CharacterFailed, CharacterReady, StoryboardDrafted
from schemas.envelope import LedgerRecord
from schemas.render import CancelCommand, StageSucceededReport
from schemas.requests import CancellationRequested, Request
from schemas.tasks import TaskCancelled, TaskCancelling, TaskCompleted, TaskExpired, TaskFailed
from streams.domain import quota
from streams.domain.drafts import about_task, decided, draft, problem_for
from streams.domain.limits import not_found
from streams.domain.state import OUTSTANDING, ShardState, StageState, StageStatus, TaskState


def decide_cancellation(state: ShardState, request: CancellationRequested) -> list[LedgerRecord]:
    """Stop a task of the caller. Idempotent: a task that is ending or has ended is answered with its status."""
    task = state.tasks.get(request.request.task_id)
    if task is None or task.account_id != request.envelope.account_id:
        return without_task(state, request)
    if task.ending is not None:
        return [decided(request, Outcome.ACCEPTED, task_status=task.status)]
    events = stop(state, task, Ending.CANCELLED, None)
    status = "cancelling" if task.outstanding else "cancelled"
    return [*events, decided(request, Outcome.ACCEPTED, task_status=status)]


def without_task(state: ShardState, request: Request) -> list[LedgerRecord]:
    """The answer about a task of the account that is not open: how it ended, or that there is none."""
    seen = state.remembered.get(request.request.task_id)
    closed = request.request.task_id not in state.tasks
    if closed and seen is not None and seen.account_id == request.envelope.account_id:
        return [decided(request, Outcome.ACCEPTED, task_status=seen.status)]
    return [decided(request, Outcome.REJECTED, problem=not_found("task"))]


def stop(
    state: ShardState, task: TaskState, ending: Ending, problem: Problem | None, *, without: str = ""
) -> list[LedgerRecord]:
    """Begin to end a task: tell its devices to stop; when none renders it, end it at once.

    `without` is a stage that is outstanding in `state` but just reported back.
    """
    events: list[LedgerRecord] = [about_task(TaskCancelling, task, ending=ending, problem=problem)]
    on_devices = [stage for stage in task.outstanding if stage.plan.stage_id != without]
    events += [_cancel_command(task, stage) for stage in on_devices]
    if not on_devices:
        events += end(state, task, ending, problem)
    return events


def end(state: ShardState, task: TaskState, ending: Ending, problem: Problem | None) -> list[LedgerRecord]:
    """The terminal event of a task that is being stopped, and its quota given back."""
    why = problem or problem_for(ending, task)
    terminal: LedgerRecord
    match ending:
        case Ending.CANCELLED:
            terminal = about_task(TaskCancelled, task)
        case Ending.FAILED:
            terminal = about_task(TaskFailed, task, problem=why)
        case Ending.EXPIRED:
            terminal = about_task(TaskExpired, task, problem=why)
        case Ending.UNKNOWN:
            raise ValueError("a task cannot end as unknown")
        case _:
            assert_never(ending)
    events: list[LedgerRecord] = [terminal, *quota.settle(state, task, completed=False)]
    if task.kind is TaskKind.CHARACTER:
        events.append(
            draft(
                CharacterFailed,
                task.account_id,
                task.entity_id,
                task.request_id,
                character_id=task.entity_id,
                task_id=task.task_id,
                problem=why,
            )
        )
    return events


def complete(state: ShardState, task: TaskState, last: StageSucceededReport) -> list[LedgerRecord]:
    """The last stage succeeded: charge, deliver, and publish the storyboard or character the task made."""
    outputs = _outputs(task, last)
    events: list[LedgerRecord] = [about_task(TaskCompleted, task, outputs=outputs)]
    events += quota.settle(state, task, completed=True)
    if task.kind is TaskKind.STORYBOARD:
        events.append(
            draft(
                StoryboardDrafted,
                task.account_id,
                task.entity_id,
                task.request_id,
                storyboard_id=task.entity_id,
                task_id=task.task_id,
                shot_count=last.shot_count,
                duration_ms=last.duration_ms,
                sealed=last.sealed,
            )
        )
    if task.kind is TaskKind.CHARACTER:
        events.append(
            draft(
                CharacterReady,
                task.account_id,
                task.entity_id,
                task.request_id,
                character_id=task.entity_id,
                task_id=task.task_id,
                revision=state.characters[task.entity_id].revision + 1,
                artifacts=last.artifacts,
                sealed=last.sealed,
            )
        )
    return events


def is_last(task: TaskState, stage_id: str) -> bool:
    """Whether every other stage of the task is completed."""
    return all(stage.status is StageStatus.COMPLETED for other, stage in task.stages.items() if other != stage_id)


def _outputs(task: TaskState, last: StageSucceededReport) -> list[Artifact]:
    outputs: list[Artifact] = []
    for stage_id in sorted(task.stages):
        stage = task.stages[stage_id]
        if stage.plan.deliver:
            outputs += last.artifacts if stage_id == last.stage_id else stage.artifacts
    return outputs


def _cancel_command(task: TaskState, stage: StageState) -> CancelCommand:
    assert stage.status in OUTSTANDING, stage.status
    return draft(
        CancelCommand,
        task.account_id,
        stage.device_id,
        task.request_id,
        task_id=task.task_id,
        stage_id=stage.plan.stage_id,
        attempt=stage.attempt,
        device_id=stage.device_id,
        epoch=stage.epoch,
    )
