"""Planted bugs about held tasks, results that are taken again, retries by hand, models on devices and their memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from schemas.envelope import LedgerRecord
from schemas.quotas import QuotaCommitted
from schemas.requests import HoldRequested, ReleaseRequested, Request
from schemas.tasks import StageRetryScheduled, TaskCompleted, TaskHeld, TaskReleased
from streams.domain import decider, placement
from streams.domain.decider import Input
from streams.domain.edits import set_stage
from streams.domain.evolve import evolve
from streams.domain.policy import Policy
from streams.domain.state import ShardState
from tests.faults.simulation.planting import Events, edited, rules, without


def _holds_ignored(state: ShardState, event: LedgerRecord, policy: Policy) -> ShardState:
    after = evolve(state, event, policy)
    return replace(after, queue=state.queue, delayed=state.delayed) if isinstance(event, TaskHeld) else after


def _released_but_not_queued(state: ShardState, event: LedgerRecord, policy: Policy) -> ShardState:
    after = evolve(state, event, policy)
    return replace(after, queue=state.queue, delayed=state.delayed) if isinstance(event, TaskReleased) else after


def _hold_of_anybody(state: ShardState, event: Input, now: datetime, policy: Policy) -> Events:
    if isinstance(event, HoldRequested | ReleaseRequested):
        event = replace(event, request=replace(event.request, asked_by=""))
    return decider.decide(state, event, now, policy)


def _cached_is_charged_twice(events: Events) -> Iterable[LedgerRecord]:
    cached = any(isinstance(e, TaskCompleted) and e.cached for e in events)
    for e in events:
        yield e
        if cached and isinstance(e, QuotaCommitted):
            yield replace(e, used=e.used + e.amount)


def _results_of_anybody(state: ShardState, event: Input, now: datetime, policy: Policy) -> Events:
    if isinstance(event, Request) and event.request.reuse_hash:
        mine = (event.envelope.account_id, event.request.reuse_hash)
        for (_, reuse_hash), stored in state.results.items():
            if reuse_hash == mine[1]:
                state = replace(state, results=state.results.set(mine, stored))
    return decider.decide(state, event, now, policy)


def _retry_of_anything(state: ShardState, event: Input, now: datetime, policy: Policy) -> Events:
    asked = state
    if isinstance(event, Request) and (first := event.request.retry_of) in state.tasks:
        asked = replace(state, tasks=state.tasks.delete(first), remembered=state.remembered.delete(first))
    return decider.decide(asked, event, now, policy)


def _endless_patience(state: ShardState, now: datetime, policy: Policy) -> Events:
    return placement.place(state, now, replace(policy, affinity_wait=timedelta(hours=1)))


def _memory_forgotten(state: ShardState, event: LedgerRecord, policy: Policy) -> ShardState:
    after = evolve(state, event, policy)
    return (
        set_stage(after, event.task_id, event.stage_id, avoid=()) if isinstance(event, StageRetryScheduled) else after
    )


LIFECYCLE_BUGS: dict[str, Callable[[], dict[str, Any]]] = {
    "held work is dispatched": lambda: {"evolve": _holds_ignored},
    "a release is forgotten": lambda: without(TaskReleased),
    "released work is not queued": lambda: {"evolve": _released_but_not_queued},
    "anybody may hold": lambda: {"decide": _hold_of_anybody},
    "cached results are charged twice": lambda: edited(_cached_is_charged_twice),
    "results of others are taken": lambda: {"decide": _results_of_anybody},
    "anything is retried": lambda: {"decide": _retry_of_anything},
    "affinity without bound": lambda: rules(place=_endless_patience),
    "memory runs out there again": lambda: {"evolve": _memory_forgotten},
}
"""By name, the arguments of `simulate` that plant it."""
