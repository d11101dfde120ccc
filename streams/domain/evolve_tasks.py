"""The fold of task events: stages become ready, dispatched, completed; tasks open and close."""

from __future__ import annotations

from typing import Any

from immutables import Map
from msgspec.structs import replace

from schemas.common import StagePlan
from schemas.entities import DeviceStatus
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
    TaskQueued,
    TaskRejected,
)
from streams.domain import memory
from streams.domain.policy import MOST_MS, NEW_WEIGHT, estimate_ms, rate_key
from streams.domain.queue import StageKey
from streams.domain.state import OUTSTANDING, DeviceState, Remembered, ShardState, StageState, StageStatus, TaskState


def evolve(state: ShardState, event: TaskEvent) -> ShardState:
    """Fold one task event."""
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
            return _dispatched(state, event)
        case StageStarted():
            state = _set_stage(state, event.task_id, event.stage_id, status=StageStatus.PROCESSING)
            return _set_task(state, event.task_id, started=True)
        case StageCompleted():
            return _completed(state, event)
        case StageRetryScheduled():
            return _retry(state, event)
        case StageStopped():
            state = _off_device(state, (event.task_id, event.stage_id))
            return _set_stage(state, event.task_id, event.stage_id, status=StageStatus.DROPPED)
        case TaskCancelling():
            return _cancelling(state, event)
        case TaskCancelled():
            return _closed(state, event.task_id, "cancelled")
        case TaskCompleted():
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
    )
    seen = Remembered(
        account_id=task.account_id, body_hash=event.body_hash, kind=event.kind, estimated_ms=event.estimated_ms
    )
    state = memory.remember(state, event.task_id, seen, event.envelope.occurred_at)
    state = replace(state, tasks=state.tasks.set(event.task_id, task))
    if event.deadline is not None:
        state = replace(state, deadlines=state.deadlines.set(event.task_id, event.deadline))
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
        if not missing:
            queue = queue.add((task.task_id, plan.stage_id), task.priority, task.account_id)
    tasks = state.tasks.set(task.task_id, replace(task, stages=stages))
    return replace(state, tasks=tasks, queue=queue, backlog_ms=backlog)


def _dispatched(state: ShardState, event: StageDispatched) -> ShardState:
    key: StageKey = (event.task_id, event.stage_id)
    task = state.tasks[event.task_id]
    stage = task.stages[event.stage_id]
    device = state.devices.get(event.device_id) or _compacted(event)
    device = replace(device, outstanding=device.outstanding.set(key, stage.estimate_ms))
    state = replace(
        state,
        queue=state.queue.remove(key),
        delayed=state.delayed.delete(key) if key in state.delayed else state.delayed,
        devices=state.devices.set(event.device_id, device),
        served=state.served + 1,
        last_served=state.last_served.set(task.account_id, state.served + 1),
    )
    return _set_stage(
        state,
        event.task_id,
        event.stage_id,
        status=StageStatus.DISPATCHED,
        attempt=event.attempt,
        device_id=event.device_id,
        epoch=event.epoch,
        command_id=event.command_id,
    )


def _compacted(event: StageDispatched) -> DeviceState:
    """A device whose state of that time is gone from its compacted topic; a later one comes with its own event."""
    return DeviceState(
        device_id=event.device_id, boot_id="", slot=event.slot, epoch=event.epoch, status=DeviceStatus.UNKNOWN
    )


def _completed(state: ShardState, event: StageCompleted) -> ShardState:
    key: StageKey = (event.task_id, event.stage_id)
    state = _off_device(state, key)
    stage = state.tasks[event.task_id].stages[event.stage_id]
    artifacts = tuple(event.artifacts)
    state = _set_stage(state, event.task_id, event.stage_id, status=StageStatus.COMPLETED, artifacts=artifacts)
    rate = min(MOST_MS, max(0, event.render_ms)) / max(1, stage.plan.work)
    name = rate_key(stage.plan.engine, stage.plan.kind)
    old = state.rates.get(name)
    average = rate if old is None else old + NEW_WEIGHT * (rate - old)
    state = replace(
        state, rates=state.rates.set(name, average), backlog_ms=max(0, state.backlog_ms - stage.estimate_ms)
    )
    return _release_dependents(state, event)


def _release_dependents(state: ShardState, event: StageCompleted) -> ShardState:
    task = state.tasks[event.task_id]
    stages, queue = task.stages, state.queue
    for stage_id, stage in task.stages.items():
        if stage.status is not StageStatus.WAITING or event.stage_id not in stage.plan.depends_on:
            continue
        missing = stage.missing - 1
        status = StageStatus.WAITING if missing else StageStatus.READY
        stages = stages.set(
            stage_id, replace(stage, missing=missing, status=status, ready_at=event.envelope.occurred_at)
        )
        if not missing:
            queue = queue.add((task.task_id, stage_id), task.priority, task.account_id)
    return replace(state, tasks=state.tasks.set(task.task_id, replace(task, stages=stages)), queue=queue)


def _retry(state: ShardState, event: StageRetryScheduled) -> ShardState:
    key: StageKey = (event.task_id, event.stage_id)
    state = _off_device(state, key)
    task = state.tasks[event.task_id]
    stage = task.stages[event.stage_id]
    counts: dict[str, Any] = (
        {"failures": stage.failures + 1} if event.counted else {"device_losses": stage.device_losses + 1}
    )
    at = event.envelope.occurred_at
    if event.not_before <= at:
        state = replace(state, queue=state.queue.add(key, task.priority, task.account_id))
        return _set_stage(state, *key, status=StageStatus.READY, ready_at=at, **counts)
    state = replace(state, delayed=state.delayed.set(key, event.not_before))
    return _set_stage(state, *key, status=StageStatus.DELAYED, ready_at=event.not_before, **counts)


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
        delayed = delayed.delete(key) if key in delayed else delayed
        stages = stages.set(stage_id, replace(stage, status=StageStatus.DROPPED))
    ending_task = replace(task, stages=stages, ending=event.ending, problem=event.problem)
    tasks = state.tasks.set(task.task_id, ending_task)
    return replace(state, tasks=tasks, queue=queue, delayed=delayed, backlog_ms=max(0, backlog))


def _closed(state: ShardState, task_id: str, status: str) -> ShardState:
    task = state.tasks[task_id]
    for stage in task.outstanding:
        state = _off_device(state, (task_id, stage.plan.stage_id))
    seen = state.remembered.get(task_id)
    remembered = state.remembered if seen is None else state.remembered.set(task_id, replace(seen, status=status))
    deadlines = state.deadlines.delete(task_id) if task_id in state.deadlines else state.deadlines
    return replace(state, tasks=state.tasks.delete(task_id), remembered=remembered, deadlines=deadlines)


def _off_device(state: ShardState, key: StageKey) -> ShardState:
    if key in state.orphans:
        state = replace(state, orphans=state.orphans.delete(key))
    stage = state.tasks[key[0]].stages[key[1]]
    device = state.devices.get(stage.device_id)
    if device is None or key not in device.outstanding:
        return state
    device = replace(device, outstanding=device.outstanding.delete(key))
    return replace(state, devices=state.devices.set(device.device_id, device))


def _set_stage(state: ShardState, task_id: str, stage_id: str, **changes: Any) -> ShardState:
    task = state.tasks[task_id]
    stages = task.stages.set(stage_id, replace(task.stages[stage_id], **changes))
    return replace(state, tasks=state.tasks.set(task_id, replace(task, stages=stages)))


def _set_task(state: ShardState, task_id: str, **changes: Any) -> ShardState:
    return replace(state, tasks=state.tasks.set(task_id, replace(state.tasks[task_id], **changes)))
