"""How tasks run and end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.common import StageKind, StagePlan, Tier
from schemas.decisions import Outcome, RequestDecided
from schemas.quotas import QuotaCommitted, QuotaReleased
from schemas.render import CancelCommand, RenderCommand, StageFailedReport, StageSucceededReport
from schemas.requests import CharacterSubmitted, StoryboardRequested, VideoRequested
from schemas.tasks import (
    StageDispatched,
    StageRetryScheduled,
    StagesPlanned,
    TaskCompleted,
    TaskExpired,
    TaskFailed,
)
from streams.domain.devices import LeaseLapsed
from streams.domain.policy import Policy
from tests.deciding import Shard, film_plan, names, only


@pytest.fixture
def shard() -> Shard:
    shard = Shard()
    shard.user()
    shard.device()
    return shard


def test_success_completes_delivers_and_charges(shard: Shard) -> None:
    shard.images("t1")
    shard.starts("t1")
    events = shard.succeeds("t1")
    assert names(events) == ["StageCompleted", "TaskCompleted", "QuotaCommitted"]
    assert [a.stage_id for a in only(events, TaskCompleted).outputs] == ["shot-01"]
    assert not shard.state.tasks


def test_an_outcome_counts_once(shard: Shard) -> None:
    shard.images("t1", count=2)
    report = shard.report_of(StageSucceededReport, "t1")
    assert names(shard.when(report))[0] == "StageCompleted"
    assert shard.when(report) == []


@pytest.mark.parametrize("stale", [{"attempt": 9}, {"epoch": 9}, {"device_id": "other"}])
def test_outcomes_of_other_attempts_change_nothing(shard: Shard, stale: dict[str, Any]) -> None:
    shard.images("t1")
    assert shard.when(shard.report_of(StageSucceededReport, "t1", **stale)) == []
    assert shard.when(shard.report_of(StageFailedReport, "t1", **stale)) == []


def test_a_film_runs_its_stills_first_and_hands_them_over(shard: Shard) -> None:
    shard.device("cpu-1")
    shard.film("v1", shots=2)
    shard.succeeds("v1", "shot-01")
    events = shard.succeeds("v1", "shot-02")
    command = only(events, RenderCommand)
    assert command.stage_id == "film"
    assert [a.stage_id for a in command.inputs] == ["shot-01", "shot-02"]
    assert names(shard.succeeds("v1", "film")) == ["StageCompleted", "TaskCompleted", "QuotaCommitted"]


def test_a_script_becomes_a_film(shard: Shard) -> None:
    shard.device("cpu-1", engines=["rules"])
    script = StagePlan(stage_id="script", kind=StageKind.SCRIPT, engine="rules")
    shard.when(
        VideoRequested(
            envelope=shard.image_request("x").envelope, request=shard.info("v1"), script=script, width=1280, height=768
        )
    )
    events = shard.succeeds("v1", "script", plan=film_plan(2))
    assert len(only(events, StagesPlanned).stages) == 3
    assert {e.stage_id for e in events if isinstance(e, StageDispatched)} == {"shot-01", "shot-02"}


def test_a_script_too_long_for_the_account_fails_uncharged(shard: Shard) -> None:
    shard.device("cpu-1", engines=["rules"])
    script = StagePlan(stage_id="script", kind=StageKind.SCRIPT, engine="rules")
    shard.when(VideoRequested(envelope=shard.image_request("x").envelope, request=shard.info("v1"), script=script))
    events = shard.succeeds("v1", "script", plan=film_plan(2, duration_ms=90_000))
    assert only(events, TaskFailed).problem.errors[0].field == "duration"
    assert only(events, QuotaReleased).amount == 1


def test_retryable_failures_wait_longer_each_time_and_end_after_the_last_attempt(shard: Shard) -> None:
    shard.images("t1")
    waits = []
    for attempt in (1, 2):
        retry = only(shard.fails("t1"), StageRetryScheduled)
        waits.append((retry.not_before - shard.now).total_seconds())
        assert shard.wait(waits[-1] - 1) == []
        assert only(shard.wait(1.1), StageDispatched).attempt == attempt + 1
    assert 60 <= waits[0] <= 75
    assert 120 <= waits[1] <= 150
    events = shard.fails("t1")
    assert names(events) == ["StageStopped", "TaskCancelling", "TaskFailed", "QuotaReleased"]


def test_errors_that_are_not_retryable_fail_at_once(shard: Shard) -> None:
    shard.images("t1")
    assert only(shard.fails("t1", retryable=False), TaskFailed).problem.code == "render_failed"


def test_a_stage_that_fails_for_good_stops_its_siblings_first(shard: Shard) -> None:
    shard.images("t1", count=2)
    events = shard.fails("t1", "shot-01", retryable=False)
    assert names(events) == ["StageStopped", "TaskCancelling", "CancelCommand"]
    events = shard.fails("t1", "shot-02", cancelled=True)
    assert names(events) == ["StageStopped", "TaskFailed", "QuotaReleased"]


def test_cancel_of_waiting_work_ends_it_at_once() -> None:
    shard = Shard()
    shard.user()
    shard.images("t1")
    events = shard.cancel("t1")
    assert names(events) == ["TaskCancelling", "TaskCancelled", "QuotaReleased", "RequestDecided"]
    assert only(events, RequestDecided).task_status == "cancelled"


@pytest.mark.parametrize("then", ["success", "failure", "device loss"])
def test_cancel_of_running_work_ends_cancelled_whatever_comes(shard: Shard, then: str) -> None:
    shard.images("t1")
    events = shard.cancel("t1")
    assert names(events) == ["TaskCancelling", "CancelCommand", "RequestDecided"]
    assert only(shard.cancel("t1"), RequestDecided).task_status == "cancelling"
    outcomes = {"success": shard.succeeds, "failure": shard.fails}
    events = outcomes[then]("t1") if then in outcomes else shard.leaves()
    assert names(events)[-2:] == ["TaskCancelled", "QuotaReleased"]
    assert not any(isinstance(e, QuotaCommitted) for e in shard.history)


def test_cancel_of_finished_work_answers_with_its_status(shard: Shard) -> None:
    shard.images("t1")
    shard.succeeds("t1")
    assert only(shard.cancel("t1"), RequestDecided).task_status == "completed"


def test_cancel_of_somebody_elses_task_is_not_found(shard: Shard) -> None:
    shard.user("bob")
    shard.images("t1")
    answer = only(shard.cancel("t1", account="bob"), RequestDecided)
    assert answer.problem is not None
    assert answer.problem.type == "NotFound"
    assert "t1" in shard.state.tasks


def test_a_deadline_expires_the_task(shard: Shard) -> None:
    shard.images("t1", deadline=shard.now + timedelta(seconds=30))
    assert shard.wait(29) == []
    assert names(shard.wait(2)) == ["TaskCancelling", "CancelCommand"]
    events = shard.fails("t1", cancelled=True)
    assert only(events, TaskExpired).problem.code == "deadline_exceeded"


def test_work_no_device_can_do_fails_after_the_acquire_timeout(shard: Shard) -> None:
    shard.images("t1", engine="instantid")
    assert shard.wait(299) == []
    problem = only(shard.wait(2), TaskFailed).problem
    assert problem.type == "ResourceUnavailable"


def test_a_long_queue_is_no_lack_of_devices(shard: Shard) -> None:
    for n in range(100):
        shard.images(f"t{n}")
    assert not any(isinstance(e, TaskFailed) for e in shard.wait(1_000))


def test_a_lost_device_costs_no_attempt_but_not_for_ever() -> None:
    shard = Shard(Policy(max_device_losses=3))
    shard.user()
    shard.images("t1")
    for boot in range(3):
        events = shard.device(boot=f"boot-{boot}")
        assert only(events, StageDispatched).attempt == boot + 1
        device = shard.state.devices["cpu-0"]
        events = shard.when(LeaseLapsed(device_id="cpu-0", epoch=device.epoch))
        if boot < 2:
            assert only(events, StageRetryScheduled).counted is False
    assert only(events, TaskFailed).problem.code == "device_lost"


def test_a_new_start_of_a_device_takes_its_slot_with_a_higher_epoch(shard: Shard) -> None:
    shard.images("t1")
    before = shard.state.devices["cpu-0"]
    events = shard.device(boot="boot-2")
    after = shard.state.devices["cpu-0"]
    assert after.slot == before.slot
    assert after.epoch == before.epoch + 1
    assert only(events, StageDispatched).epoch == after.epoch
    assert shard.device(boot="boot-2") == []


def test_a_stale_lapse_changes_nothing(shard: Shard) -> None:
    shard.device(boot="boot-2")
    assert shard.when(LeaseLapsed(device_id="cpu-0", epoch=1)) == []


def test_two_devices_never_share_a_slot(shard: Shard) -> None:
    shard.device("cpu-1")
    shard.device("cpu-2")
    assert len({d.slot for d in shard.state.live_devices()}) == 3


def test_priority_then_fairness_among_accounts() -> None:
    shard = Shard(Policy(credit_ms=1, credit_max=1))
    shard.user("ann")
    shard.user("bob")
    shard.user("vip", tier=Tier.VIP)
    for n in range(3):
        shard.images(f"a{n}", account="ann")
    shard.images("b0", account="bob")
    shard.images("v0", account="vip")
    order = []
    events = shard.device()
    while True:
        dispatched = [e for e in events if isinstance(e, StageDispatched)]
        if not dispatched:
            break
        order.append(dispatched[0].task_id)
        events = shard.succeeds(dispatched[0].task_id)
    assert order == ["v0", "a0", "b0", "a1", "a2"]


def test_a_device_holds_no_more_than_its_credit() -> None:
    shard = Shard(Policy(credit_ms=10, credit_max=4))
    shard.user()
    shard.device()
    for n in range(9):
        shard.images(f"t{n}")
    assert len(shard.state.devices["cpu-0"].outstanding) == 4


def test_a_storyboard_is_published_with_its_task(shard: Shard) -> None:
    shard.device("cpu-1", engines=["rules"])
    stage = StagePlan(stage_id="script", kind=StageKind.SCRIPT, engine="rules", deliver=True)
    envelope = shard.image_request("x").envelope
    shard.when(StoryboardRequested(envelope=envelope, request=shard.info("s1"), stages=[stage], storyboard_id="board"))
    events = shard.succeeds("s1", "script", shot_count=7, sealed=b"draft")
    assert names(events) == ["StageCompleted", "TaskCompleted", "StoryboardDrafted"]


def test_a_character_becomes_usable_when_its_embedding_is_there(shard: Shard) -> None:
    shard.device("cpu-1", engines=["descriptor"])
    stage = StagePlan(stage_id="embedding", kind=StageKind.EMBEDDING, engine="descriptor", deliver=True)
    envelope = shard.image_request("x").envelope
    shard.when(CharacterSubmitted(envelope=envelope, request=shard.info("c1"), stages=[stage], character_id="lin"))
    early = only(shard.images("t1", character_ids=["lin"]), RequestDecided)
    assert early.outcome is Outcome.REJECTED
    assert names(shard.succeeds("c1", "embedding")) == ["StageCompleted", "TaskCompleted", "CharacterReady"]
    assert only(shard.images("t2", character_ids=["lin"]), RequestDecided).outcome is Outcome.ACCEPTED
    shard.user("bob")
    stolen = only(shard.images("t3", account="bob", character_ids=["lin"]), RequestDecided)
    assert stolen.outcome is Outcome.REJECTED


def test_estimates_follow_what_was_measured(shard: Shard) -> None:
    first = only(shard.images("t1"), RequestDecided).estimated_ms
    shard.report(StageSucceededReport, "t1", render_ms=9_000)
    assert only(shard.images("t2"), RequestDecided).estimated_ms > first


def test_cancel_commands_go_to_the_device_that_renders(shard: Shard) -> None:
    shard.images("t1")
    command = only(shard.cancel("t1"), CancelCommand)
    assert (command.device_id, command.attempt, command.epoch) == ("cpu-0", 1, 1)
