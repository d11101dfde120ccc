"""What faulty agents, lost devices and long lives of the log must not do to the shard."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from schemas.common import StageKind, StagePlan
from schemas.decisions import Outcome, RequestDecided
from schemas.entities import DeviceChanged
from schemas.envelope import LedgerRecord
from schemas.render import DeviceJoined, DeviceLeft, StageStartedReport, StageSucceededReport
from schemas.requests import CharacterSubmitted
from schemas.tasks import StageDispatched, TaskCompleted, TaskFailed
from streams.domain.decider import decide, follow_up
from streams.domain.evolve import evolve
from streams.domain.policy import MOST_MS
from streams.domain.state import ShardState
from tests.deciding import Shard, only


@pytest.fixture
def shard() -> Shard:
    shard = Shard()
    shard.user()
    shard.device()
    return shard


def _fold(state: ShardState, events: list[LedgerRecord], shard: Shard) -> ShardState:
    for event in events:
        state = evolve(state, replace(event, envelope=replace(event.envelope, occurred_at=shard.now)), shard.policy)
    return state


@pytest.mark.parametrize(
    "end", [DeviceLeft(device_id="cpu-0", boot_id="boot-1"), DeviceJoined(device_id="cpu-0", boot_id="boot-2")]
)
def test_an_outcome_right_behind_the_end_of_its_lease_changes_nothing(
    shard: Shard, end: DeviceLeft | DeviceJoined
) -> None:
    shard.images("t1")
    late = shard.report_of(StageSucceededReport, "t1")
    started = shard.report_of(StageStartedReport, "t1")
    state = _fold(shard.state, decide(shard.state, end, shard.now, shard.policy), shard)
    assert decide(state, late, shard.now, shard.policy) == []
    assert decide(state, started, shard.now, shard.policy) == []
    assert follow_up(state, shard.now, shard.policy), "the stage is reclaimed"


def test_a_retry_that_no_device_can_run_fails_after_the_acquire_timeout(shard: Shard) -> None:
    shard.images("t1")
    shard.fails("t1")
    shard.leaves()
    assert shard.wait(75) == []
    assert shard.wait(200) == []
    assert only(shard.wait(100), TaskFailed).problem.type == "ResourceUnavailable"


def test_work_nobody_can_do_fails_even_behind_work_that_waits_for_a_busy_device(shard: Shard) -> None:
    for number in range(90):
        shard.images(f"t{number}")
    shard.images("hopeless", engine="instantid")
    shard.wait(200)
    shard.images("young", engine="instantid")
    failed = [event.task_id for event in shard.wait(101) if isinstance(event, TaskFailed)]
    assert failed == ["hopeless"]


def test_idle_devices_of_one_kind_leave_the_work_to_those_that_can_do_it(shard: Shard) -> None:
    shard.device("other-0", engines=["rules"])
    shard.device("other-1", engines=["rules"])
    shard.device("cpu-1")
    shard.images("t1", count=2)
    assert {shard.state.tasks["t1"].stages[s].device_id for s in ("shot-01", "shot-02")} == {"cpu-0", "cpu-1"}


@pytest.mark.parametrize("render_ms", [-(2**62), 2**62])
def test_absurd_measurements_do_not_spoil_later_answers(shard: Shard, render_ms: int) -> None:
    shard.images("t1")
    shard.report(StageSucceededReport, "t1", render_ms=render_ms)
    answer = only(shard.images("t2", count=9), RequestDecided)
    assert 0 < answer.estimated_ms <= 9 * MOST_MS


def test_a_character_cannot_be_taken_over_by_submitting_it_again(shard: Shard) -> None:
    shard.device("cpu-1", engines=["descriptor"])
    shard.user("eve")
    stage = StagePlan(stage_id="embedding", kind=StageKind.EMBEDDING, engine="descriptor", deliver=True)
    for account, task, outcome in (("ann", "c1", Outcome.ACCEPTED), ("eve", "c2", Outcome.REJECTED)):
        envelope = shard.image_request("x", account=account).envelope
        request = CharacterSubmitted(envelope=envelope, request=shard.info(task), stages=[stage], character_id="lin")
        assert only(shard.when(request), RequestDecided).outcome is outcome
    assert shard.state.characters["lin"].account_id == "ann"


def test_the_fold_survives_that_older_states_of_a_device_were_compacted_away(shard: Shard) -> None:
    shard.images("t1", count=2)
    shard.succeeds("t1", "shot-01")
    shard.leaves()
    shard.device(boot="boot-2")
    last = max(n for n, e in enumerate(shard.history) if isinstance(e, DeviceChanged))
    kept = [e for n, e in enumerate(shard.history) if not isinstance(e, DeviceChanged) or n == last]
    assert any(isinstance(e, StageDispatched) for e in kept[:last])
    state = ShardState()
    for event in kept:
        state = evolve(state, event, shard.policy)
    assert state.devices == shard.state.devices
    assert state.tasks == shard.state.tasks
    assert state.orphans == shard.state.orphans
    assert (state.slots, state.epochs) == (shard.state.slots, shard.state.epochs)


def test_days_long_past_are_let_go_once_nothing_is_reserved_on_them(shard: Shard) -> None:
    shard.images("open", engine="instantid", count=2)
    for number in range(60):
        shard.device(boot=f"day-{number}")
        shard.images(f"t{number}")
        assert only(shard.succeeds(f"t{number}"), TaskCompleted)
        shard.now += timedelta(days=1)
        shard.device("late", boot=f"day-{number}", engines=["instantid"] if number == 40 else ["none"])
    assert len(shard.state.usage) < 6
    assert sum(usage.reserved for usage in shard.state.usage.values()) == 0
