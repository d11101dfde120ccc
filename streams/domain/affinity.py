"""Which stage a device gets: the first in order, unless a little patience saves loading a model.

A device holds the models that it said it holds with its last result, and those of the work it was given since; one that says
nothing is taken to hold those of the last engines it was given work for. It may pass over the stage whose turn it
is for a later one whose model it holds, and a stage whose model takes long to load may wait for a device that holds it;
both only until the stage has been kept waiting for `Policy.affinity_wait`, the expected time of what went before it included.
A device that ran out of memory with a stage leaves it to any other live device that can do it, if there is one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from msgspec import Struct

from schemas.envelope import EPOCH
from schemas.tasks import PassedOver
from streams.domain.policy import Policy
from streams.domain.queue import Lanes, ReadyQueue, StageKey, by_turn, first_of
from streams.domain.state import DeviceState, ShardState, StageState

LOOK_AHEAD = 32  # accounts among which a device looks for work whose model it holds


class Choice(Struct, frozen=True, kw_only=True):
    """The stage a device gets, and the one whose turn it was if that is another."""

    key: StageKey
    passed: PassedOver | None = None


def choose(state: ShardState, queue: ReadyQueue, device: DeviceState, now: datetime, policy: Policy) -> Choice | None:
    """What the device gets now: of the highest priority for which it can do anything; None = it waits."""
    for priority in sorted(queue.lanes, reverse=True):
        in_turn = by_turn(queue.lanes[priority], state.last_served)
        for lanes in in_turn:
            key = first_of(lanes, device.engines, partial(_suits, state, device))
            if key is not None:
                others = [lanes, *islice(in_turn, LOOK_AHEAD)] if _would_drop(device, state, key, policy) else []
                return _with_patience(state, device, key, others, now, policy)
    return None


def held(device: DeviceState, policy: Policy) -> tuple[str, ...]:
    """The engines whose models the device holds, as far as is known."""
    return device.models[-policy.models_held :] if device.loaded is None else device.loaded


def _suits(state: ShardState, device: DeviceState, key: StageKey) -> bool:
    """Not for a device that ran out of memory with the stage, as long as another live one can do it that did not."""
    stage = _stage(state, key)
    return device.device_id not in stage.avoid or not any(
        stage.plan.engine in other.engines and other.device_id not in stage.avoid for other in state.live_devices()
    )


def _would_drop(device: DeviceState, state: ShardState, key: StageKey, policy: Policy) -> bool:
    """Whether the device would give up a model for the stage."""
    models = held(device, policy)
    return len(models) >= policy.models_held and _stage(state, key).plan.engine not in models


def _with_patience(
    state: ShardState, device: DeviceState, key: StageKey, others: list[Lanes], now: datetime, policy: Policy
) -> Choice | None:
    """The stage `key`, whose turn it is; or one of `others` whose model is held; or nothing yet."""
    stage = _stage(state, key)
    since = _kept_waiting_since(stage, now, policy)
    left = policy.affinity_wait - _elapsed(since, now, policy)
    models = held(device, policy)
    for lanes in others:
        other = first_of(lanes, models, partial(_suits, state, device))
        if other is not None and timedelta(milliseconds=_stage(state, other).estimate_ms) <= left:
            return Choice(key=other, passed=PassedOver(task_id=key[0], stage_id=key[1], since=since))
    return None if _may_wait(state, device, stage, now, policy) else Choice(key=key)


def _may_wait(state: ShardState, device: DeviceState, stage: StageState, now: datetime, policy: Policy) -> bool:
    """Whether the stage waits for another device, which holds its heavy model."""
    engine = stage.plan.engine
    began = stage.ready_at if stage.passed_at == EPOCH else stage.passed_at
    if (
        engine.partition("/")[0] not in policy.heavy
        or engine in held(device, policy)
        or _elapsed(began, now, policy) >= policy.affinity_wait
    ):
        return False
    others = (other for other in state.live_devices() if other is not device and other.device_id not in stage.avoid)
    return any(engine in held(other, policy) for other in others)


def _kept_waiting_since(stage: StageState, now: datetime, policy: Policy) -> datetime:
    """From when on its waiting may be due to affinity: since it was first passed over; else since it became ready, if
    that is recent, because until now it may have waited for a device that holds its model; else from now on.
    """
    if stage.passed_at != EPOCH:
        return stage.passed_at
    return stage.ready_at if _elapsed(stage.ready_at, now, policy) < policy.affinity_wait else now


def _elapsed(since: datetime, now: datetime, policy: Policy) -> timedelta:
    """How long it has been; of a clock that was set back by more than the bound nothing is known, so the bound is over."""
    passed = now - since
    return passed if passed > -policy.affinity_wait else policy.affinity_wait


def _stage(state: ShardState, key: StageKey) -> StageState:
    return state.tasks[key[0]].stages[key[1]]
