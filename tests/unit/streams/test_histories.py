"""Random histories: whatever happens in whatever order, nothing is lost, doubled or charged wrongly."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.common import Tier
from schemas.decisions import Outcome, RequestDecided
from schemas.entities import DeviceStatus
from schemas.quotas import QuotaCommitted, QuotaReleased, QuotaReserved
from schemas.render import StageFailedReport, StageStartedReport, StageSucceededReport
from schemas.tasks import (
    StageDispatched,
    TaskCancelled,
    TaskCompleted,
    TaskExpired,
    TaskFailed,
    TaskQueued,
)
from streams.domain.decider import decide
from streams.domain.devices import LeaseLapsed
from streams.domain.evolve import evolve
from streams.domain.policy import Policy
from streams.domain.state import OUTSTANDING
from tests.deciding import Shard

TERMINAL = (TaskCompleted, TaskCancelled, TaskFailed, TaskExpired)
ACCOUNTS = ("ann", "bob", "vip")
DEVICES = ("cpu-0", "cpu-1", "cpu-2")

steps = st.one_of(
    st.tuples(st.just("images"), st.integers(0, 30), st.sampled_from(ACCOUNTS), st.integers(1, 3)),
    st.tuples(st.just("film"), st.integers(31, 50), st.sampled_from(ACCOUNTS), st.integers(1, 3)),
    st.tuples(st.just("seeded"), st.integers(0, 30), st.sampled_from(ACCOUNTS), st.integers(1, 2)),
    st.tuples(st.just("retry"), st.integers(51, 70), st.sampled_from(ACCOUNTS), st.integers(0, 30)),
    st.tuples(st.sampled_from(["cancel", "hold", "release"]), st.integers(0, 70), st.sampled_from(ACCOUNTS)),
    st.tuples(st.just("join"), st.sampled_from(DEVICES), st.integers(0, 9)),
    st.tuples(st.just("leave"), st.sampled_from(DEVICES)),
    st.tuples(st.just("lapse"), st.sampled_from(DEVICES)),
    st.tuples(st.sampled_from(["start", "succeed", "fail", "fail for good", "stopped"]), st.integers(0, 200)),
    st.tuples(st.just("stale"), st.integers(0, 200)),
    st.tuples(st.just("wait"), st.integers(1, 400)),
)


@given(st.lists(steps, max_size=60))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_history_keeps_the_books(history: list[tuple[object, ...]]) -> None:
    shard = Shard(Policy(credit_ms=600, credit_max=3, max_device_losses=3))
    for account in ACCOUNTS:
        shard.user(account, tier=Tier.VIP if account == "vip" else Tier.FREE)
    for step in history:
        _play(shard, step)
        _check_state(shard)
    _drain(shard)
    _check_books(shard)


def _play(shard: Shard, step: tuple[object, ...]) -> None:
    match step:
        case ("images", int(number), str(account), int(count)):
            shard.images(f"t{number}", account=account, count=count)
        case ("film", int(number), str(account), int(shots)):
            shard.film(f"t{number}", account=account, shots=shots)
        case ("seeded", int(number), str(account), int(count)):
            shard.images(f"t{number}", account=account, count=count, reuse=f"h{count}")
        case ("retry", int(number), str(account), int(first)):
            shard.images(f"t{number}", account=account, retry_of=f"t{first}")
        case ("cancel", int(number), str(account)):
            shard.cancel(f"t{number}", account=account)
        case ("hold", int(number), str(account)):
            shard.hold(f"t{number}", account=account)
        case ("release", int(number), str(account)):
            shard.release(f"t{number}", account=account)
        case ("join", str(device), int(boot)):
            shard.device(device, boot=f"boot-{boot}")
        case ("leave", str(device)):
            if device in shard.state.devices:
                shard.leaves(device, shard.state.devices[device].boot_id)
        case ("lapse", str(device)):
            if device in shard.state.devices:
                shard.when(LeaseLapsed(device_id=device, epoch=shard.state.devices[device].epoch))
        case ("wait", int(seconds)):
            shard.wait(seconds)
        case (str(what), int(number)):
            _report(shard, what, number)


def _report(shard: Shard, what: str, number: int) -> None:
    outstanding = sorted(
        (task_id, stage_id)
        for task_id, task in shard.state.tasks.items()
        for stage_id, stage in task.stages.items()
        if stage.status in OUTSTANDING
    )
    if not outstanding:
        return
    task_id, stage_id = outstanding[number % len(outstanding)]
    match what:
        case "start":
            shard.report(StageStartedReport, task_id, stage_id)
        case "succeed":
            shard.succeeds(task_id, stage_id)
        case "stale":
            now = shard.state.tasks[task_id].stages[stage_id]
            stale = shard.report_of(StageSucceededReport, task_id, stage_id, epoch=now.epoch - 1)
            assert shard.when(stale) == []
        case _:
            shard.fails(task_id, stage_id, retryable=what == "fail", cancelled=what == "stopped")


def _check_state(shard: Shard) -> None:
    state = shard.state
    assert not state.orphans
    for task in state.tasks.values():
        waiting = [key for key in ((task.task_id, stage_id) for stage_id in task.stages) if key in state.queue]
        assert not (task.held and waiting)
        for stage_id, stage in task.stages.items():
            if stage.status in OUTSTANDING:
                device = state.devices[stage.device_id]
                assert device.status is DeviceStatus.LIVE
                assert device.epoch == stage.epoch
                assert (task.task_id, stage_id) in device.outstanding
    held = {key for device in state.devices.values() for key in device.outstanding}
    assert all(task_id in state.tasks for task_id, _ in held)
    live = [d.slot for d in state.live_devices()]
    assert len(live) == len(set(live))
    assert all(usage.used >= 0 and usage.reserved >= 0 for usage in state.usage.values())


def _drain(shard: Shard) -> None:
    for device in DEVICES:
        shard.device(device, boot="last")
    for task in list(shard.state.tasks.values()):
        shard.release(task.task_id, account=task.account_id)
    for _ in range(2_000):
        if not shard.state.tasks:
            return
        before = len(shard.history)
        _report(shard, "succeed", 0)
        if len(shard.history) == before:
            shard.wait(700)
    raise AssertionError(f"never ends: {dict(shard.state.tasks)}")


def _check_books(shard: Shard) -> None:
    queued = Counter(e.task_id for e in shard.history if isinstance(e, TaskQueued))
    ended = Counter(e.task_id for e in shard.history if isinstance(e, TERMINAL))
    assert queued == ended
    assert all(count == 1 for count in ended.values())
    accepted = {e.task_id for e in shard.history if isinstance(e, RequestDecided) and e.outcome is Outcome.ACCEPTED}
    assert set(queued) <= accepted
    completed = {e.task_id for e in shard.history if isinstance(e, TaskCompleted)}
    reserved = Counter[str]()
    committed = Counter[str]()
    released = Counter[str]()
    for event in shard.history:
        match event:
            case QuotaReserved():
                reserved[event.task_id] += event.amount
            case QuotaCommitted():
                committed[event.task_id] += event.amount
            case QuotaReleased():
                released[event.task_id] += event.amount
    assert reserved == committed + released
    cached = {e.task_id for e in shard.history if isinstance(e, TaskCompleted) and e.cached}
    assert set(committed) == completed - cached
    assert not set(released) & completed
    assert all(usage.reserved == 0 for usage in shard.state.usage.values())
    attempts = Counter((e.task_id, e.stage_id, e.attempt) for e in shard.history if isinstance(e, StageDispatched))
    assert all(count == 1 for count in attempts.values())
    assert len(shard.state.queue) == 0
    assert shard.state.backlog_ms == 0


@given(st.integers(0, 3))
@settings(max_examples=4, deadline=None)
def test_deciding_is_repeatable(count: int) -> None:
    shard = Shard()
    shard.user()
    request = shard.image_request("t1", count=count + 1)
    once = decide(shard.state, request, shard.now, shard.policy)
    assert once == decide(shard.state, request, shard.now, shard.policy)
    state = shard.state
    for event in once:
        state = evolve(state, event, shard.policy)
    assert "t1" not in shard.state.tasks
    assert "t1" in state.tasks


def test_a_failure_report_after_the_end_changes_nothing() -> None:
    shard = Shard()
    shard.user()
    shard.device()
    shard.images("t1")
    late = shard.report_of(StageFailedReport, "t1")
    shard.succeeds("t1")
    assert shard.when(late) == []
