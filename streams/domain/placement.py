"""Follow-ups: what the state itself calls for, one task at a time, until it calls for nothing more.

Orphaned stages are reclaimed, passed deadlines and hopeless waits end tasks, and free devices get work. Each call returns
the events of one step; the caller folds them and asks again.
"""

from __future__ import annotations

from datetime import datetime

from immutables import Map

from schemas.common import Artifact, Ending, Problem
from schemas.envelope import EPOCH, LedgerRecord
from schemas.render import RenderCommand
from schemas.tasks import StageDispatched
from streams.domain import affinity, ending, outcomes
from streams.domain.affinity import Choice
from streams.domain.drafts import about_task, draft
from streams.domain.edits import wake
from streams.domain.policy import Policy
from streams.domain.queue import StageKey
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
    first = state.deadlines.first
    if first is None or first[0] > now:
        return []
    deadline, (task_id, _) = first
    problem = Problem(type="DeadlineExceeded", code="deadline_exceeded", detail=f"not done by {deadline:%FT%TZ}")
    return ending.stop(state, state.tasks[task_id], Ending.EXPIRED, problem)


def starve(state: ShardState, now: datetime, policy: Policy) -> list[LedgerRecord]:
    """End one task that waited the acquire time-out, in the queue or after its retry, for an engine no live device runs."""
    due = [key for _, key in state.delayed.due(now)]
    if not due and not state.queue.waiting:
        return []
    available = frozenset[str]().union(*(device.engines for device in state.live_devices()))
    longest = now - policy.acquire_timeout
    wanted = {*state.queue.waiting, *(_stage(state, key).plan.engine for key in due)}
    for engine in sorted(wanted - available):
        if state.engine_gone_at.get(engine, EPOCH) > longest:
            continue
        waiting = [*state.queue.oldest(engine), *(key for key in due if _stage(state, key).plan.engine == engine)]
        for key in waiting:
            if _stage(state, key).ready_at <= longest:
                seconds = policy.acquire_timeout.total_seconds()
                detail = f"no device with engine {engine!r} within {seconds:g} s"
                problem = Problem(
                    type="ResourceUnavailable", code="resource_unavailable", detail=detail, retryable=True
                )
                return ending.stop(state, state.tasks[key[0]], Ending.FAILED, problem)
    return []


def place(state: ShardState, now: datetime, policy: Policy) -> list[LedgerRecord]:
    """Give one stage to the least loaded device that has credit and runs its engine, see `affinity.choose`.

    Credit: a device holds at most `credit_ms` of estimated work and `credit_max` commands, but always may hold one, so
    that priority and cancellation bite soon and short stages never wait for a round trip.
    """
    free = [device for device in state.live_devices() if _has_credit(device, policy)]
    queue = wake(state, now).queue if free else state.queue
    if not len(queue):
        return []
    for device in sorted(free, key=lambda d: (d.load_ms, d.slot)):
        if queue.serves(device.engines) and (choice := affinity.choose(state, queue, device, now, policy)) is not None:
            return _dispatch(state, device, choice)
    return []


def _stage(state: ShardState, key: StageKey) -> StageState:
    return state.tasks[key[0]].stages[key[1]]


def _has_credit(device: DeviceState, policy: Policy) -> bool:
    held = len(device.outstanding)
    return held == 0 or (held < policy.credit_max and device.load_ms < policy.credit_ms)


def _dispatch(state: ShardState, device: DeviceState, choice: Choice) -> list[LedgerRecord]:
    task = state.tasks[choice.key[0]]
    stage = task.stages[choice.key[1]]
    attempt = stage.attempt + 1
    command_id = f"{task.task_id}/{stage.plan.stage_id}/{attempt}"
    where = {"attempt": attempt, "device_id": device.device_id, "epoch": device.epoch, "command_id": command_id}
    dispatched = about_task(
        StageDispatched, task, stage_id=stage.plan.stage_id, slot=device.slot, passed=choice.passed, **where
    )
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
