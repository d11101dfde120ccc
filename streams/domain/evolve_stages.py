"""The fold of what happens to single stages: dispatched, completed, to be retried."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from schemas.entities import DeviceStatus
from schemas.envelope import EPOCH
from schemas.tasks import StageCompleted, StageDispatched, StageRetryScheduled
from streams.domain.edits import line_up, off_device, set_stage
from streams.domain.policy import MOST_MS, NEW_WEIGHT, rate_key
from streams.domain.queue import StageKey
from streams.domain.state import DeviceState, ShardState, StageStatus

MOST_MODELS = 8  # how many engines of a device are remembered
MOST_AVOIDED = 8  # how many devices that ran out of memory are remembered of a stage


def dispatched(state: ShardState, event: StageDispatched) -> ShardState:
    """The stage leaves the queue and counts as the device's work; its account was served."""
    key: StageKey = (event.task_id, event.stage_id)
    task = state.tasks[event.task_id]
    stage = task.stages[event.stage_id]
    device = state.devices.get(event.device_id) or _compacted(event)
    device = replace(
        device,
        outstanding=device.outstanding.set(key, stage.estimate_ms),
        load_ms=device.load_ms + stage.estimate_ms,
        models=_with_last(device.models, stage.plan.engine),
        loaded=None if device.loaded is None else _with_last(device.loaded, stage.plan.engine),
    )
    state = replace(
        state,
        queue=state.queue.remove(key),
        delayed=state.delayed.remove(key),
        devices=state.devices.set(event.device_id, device),
        served=state.served + 1,
        last_served=state.last_served.set(task.account_id, state.served + 1),
    )
    passed = event.passed
    if passed is not None and passed.task_id in state.tasks:
        state = set_stage(state, passed.task_id, passed.stage_id, passed_at=passed.since)
    return set_stage(
        state,
        event.task_id,
        event.stage_id,
        status=StageStatus.DISPATCHED,
        attempt=event.attempt,
        device_id=event.device_id,
        epoch=event.epoch,
        command_id=event.command_id,
    )


def _with_last(engines: tuple[str, ...], engine: str) -> tuple[str, ...]:
    return (*(other for other in engines if other != engine), engine)[-MOST_MODELS:]


def _compacted(event: StageDispatched) -> DeviceState:
    """A device whose state of that time is gone from its compacted topic; a later one comes with its own event."""
    return DeviceState(
        device_id=event.device_id, boot_id="", slot=event.slot, epoch=event.epoch, status=DeviceStatus.UNKNOWN
    )


def completed(state: ShardState, event: StageCompleted) -> ShardState:
    """The files are there; the measured time goes into the rate, and stages that waited for it are ready."""
    key: StageKey = (event.task_id, event.stage_id)
    state = _holding(off_device(state, key), event)
    stage = state.tasks[event.task_id].stages[event.stage_id]
    made = {"artifacts": tuple(event.artifacts), "engine_version": event.engine_version}
    state = set_stage(state, event.task_id, event.stage_id, status=StageStatus.COMPLETED, **made)
    rate = min(MOST_MS, max(0, event.render_ms)) / max(1, stage.plan.work)
    name = rate_key(stage.plan.engine, stage.plan.kind)
    old = state.rates.get(name)
    average = rate if old is None else old + NEW_WEIGHT * (rate - old)
    state = replace(
        state, rates=state.rates.set(name, average), backlog_ms=max(0, state.backlog_ms - stage.estimate_ms)
    )
    return _release_dependents(state, event)


def _holding(state: ShardState, event: StageCompleted) -> ShardState:
    """What the device told of its models counts, and that those of the work it still has will be there too."""
    device = state.devices.get(event.device_id)
    if device is None or device.epoch != event.epoch or event.loaded is None:
        return state
    loaded = tuple(event.loaded[-MOST_MODELS:])
    for task_id, stage_id in sorted(device.outstanding):
        loaded = _with_last(loaded, state.tasks[task_id].stages[stage_id].plan.engine)
    return replace(state, devices=state.devices.set(device.device_id, replace(device, loaded=loaded)))


def _release_dependents(state: ShardState, event: StageCompleted) -> ShardState:
    task = state.tasks[event.task_id]
    stages, queue = task.stages, state.queue
    for stage_id, stage in sorted(task.stages.items()):
        if stage.status is not StageStatus.WAITING or event.stage_id not in stage.plan.depends_on:
            continue
        missing = stage.missing - 1
        status = StageStatus.WAITING if missing else StageStatus.READY
        stages = stages.set(
            stage_id, replace(stage, missing=missing, status=status, ready_at=event.envelope.occurred_at)
        )
        if not missing and not task.held:
            queue = queue.add((task.task_id, stage_id), task.priority, task.account_id, stage.plan.engine)
    return replace(state, tasks=state.tasks.set(task.task_id, replace(task, stages=stages)), queue=queue)


def retry(state: ShardState, event: StageRetryScheduled) -> ShardState:
    """The stage runs again, now or later; a held task's when it is released."""
    key: StageKey = (event.task_id, event.stage_id)
    state = off_device(state, key)
    task = state.tasks[event.task_id]
    stage = task.stages[event.stage_id]
    counts: dict[str, Any] = {"passed_at": EPOCH}
    if event.counted:
        counts["failures"] = stage.failures + 1
    else:
        counts["device_losses"] = stage.device_losses + 1
    if event.avoid_device:
        others = (device_id for device_id in stage.avoid if device_id != event.avoid_device)
        counts["avoid"] = (*others, event.avoid_device)[-MOST_AVOIDED:]
    at = event.envelope.occurred_at
    state = set_stage(state, *key, status=StageStatus.DELAYED, ready_at=max(at, event.not_before), **counts)
    return state if task.held else line_up(state, key, at)
