"""Follow-ups: what the state itself calls for, one task at a time, until it calls for nothing more.

Orphaned stages are reclaimed, passed deadlines and hopeless waits end tasks, and free devices get work. Each call returns
the events of one step; the caller folds them and asks again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from immutables import Map

from schemas.common import Artifact, Ending, Problem
from schemas.envelope import EPOCH, LedgerRecord
from schemas.render import RenderCommand
from schemas.tasks import StageDispatched
from streams.domain import ending, outcomes
from streams.domain.drafts import about_task, draft
from streams.domain.policy import Policy
from streams.domain.queue import ReadyQueue, StageKey
from streams.domain.state import DeviceState, ShardState, StageState, TaskState


def reclaim(state: ShardState, now: datetime, policy: Policy) -> list[LedgerRecord]:
    """Send one orphaned stage back to the queue, or end the task that was only waiting for it."""
    key = min(state.orphans, default=None)
    if key is None:
        return []
    task = state.tasks[key[0]]
    return outcomes.lost(state, task, task.stages[key[1]], now, policy, state.orphans[key])


def expire(state: ShardState, now: datetime, _policy: Policy) -> list[LedgerRecord]:
    """End one task whose deadline passed."""
    passed = ((at, task_id) for task_id, at in state.deadlines.items() if at <= now)
    deadline, task_id = min(((at, i) for at, i in passed if state.tasks[i].ending is None), default=(now, ""))
    if not task_id:
        return []
    problem = Problem(type="DeadlineExceeded", code="deadline_exceeded", detail=f"not done by {deadline:%FT%TZ}")
    return ending.stop(state, state.tasks[task_id], Ending.EXPIRED, problem)


def starve(state: ShardState, now: datetime, policy: Policy) -> list[LedgerRecord]:
    """End one task that waited the acquire time-out, in the queue or after its retry, for an engine no live device runs."""
    available = frozenset[str]().union(*(device.engines for device in state.live_devices()))
    longest = now - policy.acquire_timeout
    for lane in (*state.queue.by_arrival(), _due(state, now)):
        for task_id, stage_id in lane:
            task = state.tasks[task_id]
            stage = task.stages[stage_id]
            engine = stage.plan.engine
            if stage.ready_at > longest:
                break  # whatever is behind it waits for a shorter time
            if engine not in available and state.engine_gone_at.get(engine, EPOCH) <= longest:
                seconds = policy.acquire_timeout.total_seconds()
                detail = f"no device with engine {engine!r} within {seconds:g} s"
                problem = Problem(
                    type="ResourceUnavailable", code="resource_unavailable", detail=detail, retryable=True
                )
                return ending.stop(state, task, Ending.FAILED, problem)
    return []


def place(state: ShardState, now: datetime, policy: Policy) -> list[LedgerRecord]:
    """Give one stage to the least loaded device that has credit and runs its engine.

    Credit: a device holds at most `credit_ms` of estimated work and `credit_max` commands, but always may hold one, so
    that priority and cancellation bite soon and short stages never wait for a round trip.
    """
    free = [device for device in state.live_devices() if _has_credit(device, policy)]
    queue = _with_due(state, now) if free else state.queue
    if not len(queue):
        return []
    fruitless: set[frozenset[str]] = set()  # devices with the same engines find the same
    for device in sorted(free, key=lambda d: (d.load_ms, d.slot)):
        if device.engines in fruitless:
            continue
        key = queue.pick(state.last_served, _runs(state, device))
        if key is not None:
            return _dispatch(state, device, key)
        fruitless.add(device.engines)
    return []


def _runs(state: ShardState, device: DeviceState) -> Callable[[StageKey], bool]:
    return lambda key: state.tasks[key[0]].stages[key[1]].plan.engine in device.engines


def _has_credit(device: DeviceState, policy: Policy) -> bool:
    held = len(device.outstanding)
    return held == 0 or (held < policy.credit_max and device.load_ms < policy.credit_ms)


def _with_due(state: ShardState, now: datetime) -> ReadyQueue:
    queue = state.queue
    for key in _due(state, now):
        task = state.tasks[key[0]]
        queue = queue.add(key, task.priority, task.account_id)
    return queue


def _due(state: ShardState, now: datetime) -> list[StageKey]:
    """Delayed stages whose time has come, earliest first."""
    due = ((not_before, key) for key, not_before in state.delayed.items() if not_before <= now)
    return [key for _, key in sorted(due)]


def _dispatch(state: ShardState, device: DeviceState, key: StageKey) -> list[LedgerRecord]:
    task = state.tasks[key[0]]
    stage = task.stages[key[1]]
    attempt = stage.attempt + 1
    command_id = f"{task.task_id}/{stage.plan.stage_id}/{attempt}"
    where = {"attempt": attempt, "device_id": device.device_id, "epoch": device.epoch, "command_id": command_id}
    dispatched = about_task(StageDispatched, task, stage_id=stage.plan.stage_id, slot=device.slot, **where)
    command = draft(
        RenderCommand,
        task.account_id,
        device.device_id,
        task.request_id,
        task_id=task.task_id,
        stage_id=stage.plan.stage_id,
        kind=stage.plan.kind,
        engine=stage.plan.engine,
        seed=stage.plan.seed,
        sealed=stage.plan.sealed,
        inputs=_inputs(task, stage.plan.depends_on, task.stages),
        **where,
    )
    return [dispatched, command]


def _inputs(task: TaskState, depends_on: list[str], stages: Map[str, StageState]) -> list[Artifact]:
    assert all(stage_id in stages for stage_id in depends_on), f"{task.task_id}: unknown dependency"
    return [a for stage_id in depends_on for a in stages[stage_id].artifacts if a.role == "main"]
