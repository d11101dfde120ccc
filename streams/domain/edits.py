"""Small changes of the state that several folds share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from streams.domain.queue import StageKey
from streams.domain.state import ShardState, StageStatus


def set_stage(state: ShardState, task_id: str, stage_id: str, **changes: Any) -> ShardState:
    """Change fields of a stage."""
    task = state.tasks[task_id]
    stages = task.stages.set(stage_id, replace(task.stages[stage_id], **changes))
    return replace(state, tasks=state.tasks.set(task_id, replace(task, stages=stages)))


def set_task(state: ShardState, task_id: str, **changes: Any) -> ShardState:
    """Change fields of a task."""
    return replace(state, tasks=state.tasks.set(task_id, replace(state.tasks[task_id], **changes)))


def line_up(state: ShardState, key: StageKey, at: datetime) -> ShardState:
    """A stage that may run from its `ready_at` on: into the queue, or first among the delayed ones."""
    task = state.tasks[key[0]]
    ready_at = task.stages[key[1]].ready_at
    if ready_at > at:
        return replace(state, delayed=state.delayed.add(key, ready_at))
    engine = task.stages[key[1]].plan.engine
    state = replace(state, queue=state.queue.add(key, task.priority, task.account_id, engine))
    return set_stage(state, *key, status=StageStatus.READY)


def wake(state: ShardState, at: datetime) -> ShardState:
    """Delayed stages whose time has come go into the queue."""
    first = state.delayed.first
    if first is None or first[0] > at:
        return state
    for _, key in state.delayed.due(at):
        state = line_up(replace(state, delayed=state.delayed.remove(key)), key, at)
    return state


def off_device(state: ShardState, key: StageKey) -> ShardState:
    """The stage counts no longer as work of the device that had it."""
    if key in state.orphans:
        state = replace(state, orphans=state.orphans.delete(key))
    stage = state.tasks[key[0]].stages[key[1]]
    device = state.devices.get(stage.device_id)
    if device is None or key not in device.outstanding:
        return state
    load_ms = device.load_ms - device.outstanding[key]
    device = replace(device, outstanding=device.outstanding.delete(key), load_ms=load_ms)
    return replace(state, devices=state.devices.set(device.device_id, device))
