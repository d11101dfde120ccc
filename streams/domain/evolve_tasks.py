"""The fold of task events: stages become ready, dispatched, completed; tasks open and close."""

from __future__ import annotations

from immutables import Map
from msgspec.structs import replace

from schemas.common import StagePlan
from schemas.tasks import (
    StageCompleted,
    StageDispatched,
    StageRetryScheduled,
    StagesPlanned,
    StageStarted,
    StageStopped,
    TaskCancelled,
    TaskCancelling,
    TaskCompleted,
    TaskEvent,
    TaskExpired,
    TaskFailed,
    TaskHeld,
    TaskQueued,
    TaskRejected,
    TaskReleased,
)
from streams.domain import evolve_holds, evolve_stages, memory, reuse
from streams.domain.edits import off_device, set_stage, set_task, wake
from streams.domain.policy import Policy, estimate_ms
from streams.domain.state import OUTSTANDING, Remembered, ShardState, StageState, StageStatus, TaskState


def evolve(state: ShardState, event: TaskEvent, policy: Policy) -> ShardState:
    """Fold one task event; with it, retries whose time has come by then are queued."""
    state = wake(state, event.envelope.occurred_at)
    match event:
        case TaskQueued():
            return _queued(state, event)
        case TaskRejected():
            seen = Remembered(
                account_id=event.envelope.account_id,
                body_hash=event.body_hash,
                kind=event.kind,
                status="rejected",
                problem=event.problem,
            )
            return memory.remember(state, event.task_id, seen, event.envelope.occurred_at)
        case StagesPlanned():
            return _planned(state, event)
        case StageDispatched():
            return evolve_stages.dispatched(state, event)
        case StageStarted():
            state = set_stage(state, event.task_id, event.stage_id, status=StageStatus.PROCESSING)
            return set_task(state, event.task_id, started=True)
        case StageCompleted():
            return evolve_stages.completed(state, event)
        case StageRetryScheduled():
            return evolve_stages.retry(state, event)
        case StageStopped():
            state = off_device(state, (event.task_id, event.stage_id))
            return set_stage(state, event.task_id, event.stage_id, status=StageStatus.DROPPED)
        case TaskHeld():
            return evolve_holds.held(state, event)
        case TaskReleased():
            return evolve_holds.released(state, event)
        case TaskCancelling():
            return _cancelling(state, event)
        case TaskCancelled():
            return _closed(state, event.task_id, "cancelled")
        case TaskCompleted():
            state = reuse.keep(state, state.tasks[event.task_id], event, policy)
            return _closed(state, event.task_id, "completed")
        case TaskFailed() | TaskExpired():
            return _closed(state, event.task_id, "failed")
        case _:
            raise TypeError(f"{type(event).__name__} is no task event")


def _queued(state: ShardState, event: TaskQueued) -> ShardState:
    task = TaskState(
        task_id=event.task_id,
        account_id=event.envelope.account_id,
        request_id=event.request_id,
        kind=event.kind,
        priority=event.priority,
        stages=Map(),
        entity_id=event.entity_id,
        deadline=event.deadline,
        reuse_hash=event.reuse_hash,
        characters=reuse.revisions(state, event.character_ids),
    )
    seen = Remembered(
        account_id=task.account_id, body_hash=event.body_hash, kind=event.kind, estimated_ms=event.estimated_ms
    )
    state = memory.remember(state, event.task_id, seen, event.envelope.occurred_at)
    state = replace(state, tasks=state.tasks.set(event.task_id, task))
    if event.deadline is not None:
        state = replace(state, deadlines=state.deadlines.add((event.task_id, ""), event.deadline))
    return _add_stages(state, event, event.stages)


def _planned(state: ShardState, event: StagesPlanned) -> ShardState:
    return _add_stages(state, event, event.stages)


def _add_stages(state: ShardState, event: TaskEvent, plans: list[StagePlan]) -> ShardState:
    task = state.tasks[event.task_id]
    stages, queue, backlog = task.stages, state.queue, state.backlog_ms
    for plan in plans:
        done = {s for s in plan.depends_on if s in stages and stages[s].status is StageStatus.COMPLETED}
        missing = len(set(plan.depends_on) - done)
        stage = StageState(
            plan=plan,
            estimate_ms=estimate_ms(state.rates, plan.engine, plan.kind, plan.work),
            status=StageStatus.WAITING if missing else StageStatus.READY,
            missing=missing,
            ready_at=event.envelope.occurred_at,
        )
        stages = stages.set(plan.stage_id, stage)
        backlog += stage.estimate_ms
        if not missing and not task.held:
            queue = queue.add((task.task_id, plan.stage_id), task.priority, task.account_id, plan.engine)
    tasks = state.tasks.set(task.task_id, replace(task, stages=stages))
    return replace(state, tasks=tasks, queue=queue, backlog_ms=backlog)


def _cancelling(state: ShardState, event: TaskCancelling) -> ShardState:
    task = state.tasks[event.task_id]
    stages, queue, delayed, backlog = task.stages, state.queue, state.delayed, state.backlog_ms
    for stage_id, stage in task.stages.items():
        if stage.status is StageStatus.COMPLETED:
            continue
        backlog -= stage.estimate_ms
        if stage.status in OUTSTANDING:
            continue
        key = (task.task_id, stage_id)
        queue = queue.remove(key)
        delayed = delayed.remove(key)
        stages = stages.set(stage_id, replace(stage, status=StageStatus.DROPPED))
    ending_task = replace(task, stages=stages, ending=event.ending, problem=event.problem)
    tasks = state.tasks.set(task.task_id, ending_task)
    deadlines = state.deadlines.remove((task.task_id, ""))
    return replace(state, tasks=tasks, queue=queue, delayed=delayed, deadlines=deadlines, backlog_ms=max(0, backlog))


def _closed(state: ShardState, task_id: str, status: str) -> ShardState:
    task = state.tasks[task_id]
    for stage in task.outstanding:
        state = off_device(state, (task_id, stage.plan.stage_id))
    seen = state.remembered.get(task_id)
    remembered = state.remembered if seen is None else state.remembered.set(task_id, replace(seen, status=status))
    deadlines = state.deadlines.remove((task_id, ""))
    return replace(state, tasks=state.tasks.delete(task_id), remembered=remembered, deadlines=deadlines)
