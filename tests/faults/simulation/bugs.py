"""Planted bugs: deciders that are wrong in one way each. A simulation that does not find them proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from immutables import Map
from msgspec.structs import replace

from schemas.common import Ending
from schemas.decisions import RequestDecided
from schemas.entities import DeviceChanged
from schemas.envelope import LedgerRecord
from schemas.quotas import QuotaCommitted, QuotaReleased, QuotaReserved
from schemas.render import CancelCommand, LeaseGranted, RenderCommand, StageReport
from schemas.requests import Request
from schemas.tasks import (
    StageCompleted,
    StageDispatched,
    StageRetryScheduled,
    TaskCancelling,
    TaskCompleted,
)
from streams.domain import decider, placement, quota
from streams.domain.decider import Input
from streams.domain.drafts import about_task
from streams.domain.evolve import evolve
from streams.domain.policy import Policy
from streams.domain.state import ShardState
from tests.faults.simulation.lifecycle_bugs import LIFECYCLE_BUGS
from tests.faults.simulation.planting import Events, edited, rules, twice, without


def _late_outcomes_count(state: ShardState, event: Input, now: datetime, policy: Policy) -> Events:
    if isinstance(event, StageReport) and event.task_id in state.tasks:
        stage = state.tasks[event.task_id].stages.get(event.stage_id)
        if stage is not None:
            event = replace(event, attempt=stage.attempt, epoch=stage.epoch, device_id=stage.device_id)
    return decider.decide(state, event, now, policy)


def _old_epoch_is_recorded(state: ShardState, event: Input, now: datetime, policy: Policy) -> Events:
    events = decider.decide(state, event, now, policy)
    return [replace(e, epoch=e.epoch - 1) if isinstance(e, StageCompleted) else e for e in events]


def _charged(events: Events) -> Iterable[LedgerRecord]:
    for e in events:
        if isinstance(e, QuotaReleased):
            fields = {f: getattr(e, f) for f in ("envelope", "task_id", "resource", "day", "amount", "reserved")}
            yield QuotaCommitted(**fields, used=e.used + e.amount)
        else:
            yield e


def _release_forgotten_on_cancel(events: Events) -> Iterable[LedgerRecord]:
    cancelled = any(isinstance(e, TaskCancelling) and e.ending is Ending.CANCELLED for e in events)
    return (e for e in events if not (cancelled and isinstance(e, QuotaReleased)))


def _complete_early(state: ShardState, event: Input, now: datetime, policy: Policy) -> Events:
    events = decider.decide(state, event, now, policy)
    if len(events) == 1 and isinstance(events[0], StageCompleted):
        task = state.tasks[events[0].task_id]
        return [*events, about_task(TaskCompleted, task), *quota.settle(state, task, completed=True)]
    return events


def _queue_emptied(state: ShardState, event: LedgerRecord, policy: Policy) -> ShardState:
    after = evolve(state, event, policy)
    if not isinstance(event, TaskCompleted):
        return after
    queue, delayed = after.queue, after.delayed
    for stage_id in state.tasks[event.task_id].stages:
        queue, delayed = queue.remove((event.task_id, stage_id)), delayed.remove((event.task_id, stage_id))
    return replace(after, queue=queue, delayed=delayed)


def _validity_ignored(state: ShardState, event: Input, now: datetime, policy: Policy) -> Events:
    early = min(now, event.request.valid_until) if isinstance(event, Request) else now
    return decider.decide(state, event, early, policy)


def _limits_ignored(state: ShardState, event: Input, now: datetime, policy: Policy) -> Events:
    if isinstance(event, Request):
        state = replace(state, usage=Map())
    return decider.decide(state, event, now, policy)


def _first_slot_only(events: Events) -> Iterable[LedgerRecord]:
    return (replace(e, slot=0) if isinstance(e, DeviceChanged | LeaseGranted) else e for e in events)


def _same_epoch(events: Events) -> Iterable[LedgerRecord]:
    return (replace(e, epoch=1) if isinstance(e, DeviceChanged | LeaseGranted) else e for e in events)


def _failures_not_counted(state: ShardState, event: LedgerRecord, policy: Policy) -> ShardState:
    after = evolve(state, event, policy)
    if not isinstance(event, StageRetryScheduled):
        return after
    task = after.tasks[event.task_id]
    stages = task.stages.set(event.stage_id, replace(task.stages[event.stage_id], failures=0))
    return replace(after, tasks=after.tasks.set(task.task_id, replace(task, stages=stages)))


def _answers_forgotten(state: ShardState, event: LedgerRecord, policy: Policy) -> ShardState:
    after = evolve(state, event, policy)
    return replace(after, remembered=Map()) if isinstance(event, TaskCompleted) else after


def _cancel_of_anybody(state: ShardState, event: Input, now: datetime, policy: Policy) -> Events:
    task = state.tasks.get(event.request.task_id) if isinstance(event, Request) else None
    if isinstance(event, Request) and type(event).__name__ == "CancellationRequested" and task is not None:
        event = replace(event, envelope=replace(event.envelope, account_id=task.account_id))
    return decider.decide(state, event, now, policy)


def _no_backoff(state: ShardState, now: datetime, policy: Policy) -> Events:
    return placement.place(state, now + timedelta(hours=1), policy)


def _dependencies_ignored(state: ShardState, event: LedgerRecord, policy: Policy) -> ShardState:
    after = evolve(state, event, policy)
    if type(event).__name__ != "TaskQueued":
        return after
    task = after.tasks[event.envelope.aggregate_id]
    queue = after.queue
    for stage_id, stage in task.stages.items():
        if (task.task_id, stage_id) not in queue.places:
            queue = queue.add((task.task_id, stage_id), task.priority, task.account_id, stage.plan.engine)
    return replace(after, queue=queue)


class _Forgetful:
    """An evolve that is no pure function: it forgets who was served whenever its own count says so."""

    def __init__(self) -> None:
        self._calls = 0

    def __call__(self, state: ShardState, event: LedgerRecord, policy: Policy) -> ShardState:
        self._calls += 1
        after = evolve(state, event, policy)
        return after if self._calls % 97 else replace(after, last_served=Map())


BUGS: dict[str, Callable[[], dict[str, Any]]] = {
    "late outcomes count": lambda: {"decide": _late_outcomes_count},
    "an old epoch completes": lambda: {"decide": _old_epoch_is_recorded},
    "failed work is charged": lambda: edited(_charged),
    "reserved twice": lambda: twice(QuotaReserved),
    "answered twice": lambda: twice(RequestDecided),
    "dispatched twice": lambda: twice(StageDispatched),
    "no release on cancel": lambda: edited(_release_forgotten_on_cancel),
    "never reserved": lambda: without(QuotaReserved),
    "no command sent": lambda: without(RenderCommand),
    "devices are not told to stop": lambda: without(CancelCommand),
    "completed before all stages": lambda: {"decide": _complete_early, "evolve": _queue_emptied},
    "stages lost with their device": lambda: rules(reclaim=None),
    "retried without limit": lambda: {"evolve": _failures_not_counted},
    "retried at once": lambda: rules(place=_no_backoff),
    "validity ignored": lambda: {"decide": _validity_ignored},
    "limits ignored": lambda: {"decide": _limits_ignored},
    "one slot for all": lambda: edited(_first_slot_only),
    "epochs do not grow": lambda: edited(_same_epoch),
    "answers forgotten": lambda: {"evolve": _answers_forgotten},
    "anybody may cancel": lambda: {"decide": _cancel_of_anybody},
    "dependencies ignored": lambda: {"evolve": _dependencies_ignored},
    "the fold is not pure": lambda: {"evolve": _Forgetful()},
} | LIFECYCLE_BUGS
"""By name, the arguments of `simulate` that plant it."""
