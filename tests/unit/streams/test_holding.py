"""Held tasks: nothing of them is dispatched, everything else about them goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from schemas.common import StageKind, StagePlan
from schemas.decisions import Outcome, RequestDecided
from schemas.requests import HoldRequested, ReleaseRequested, VideoRequested
from schemas.tasks import StageDispatched, StageRetryScheduled, TaskExpired, TaskFailed, TaskHeld
from tests.deciding import Shard, film_plan, names, only


@pytest.fixture
def shard() -> Shard:
    shard = Shard()
    shard.user()
    return shard


def dispatched(events: Sequence[object]) -> list[str]:
    return [event.task_id for event in events if isinstance(event, StageDispatched)]


def test_a_held_task_stays_where_it_is_until_it_is_released(shard: Shard) -> None:
    shard.images("t1", count=2)
    assert names(shard.hold("t1")) == ["TaskHeld", "RequestDecided"]
    assert dispatched([*shard.device(), *shard.wait(1_000)]) == []
    assert names(shard.release("t1"))[:2] == ["TaskReleased", "RequestDecided"]
    assert dispatched(shard.history) == ["t1", "t1"]


def test_what_runs_goes_on_and_counts(shard: Shard) -> None:
    shard.device()
    shard.images("t1")
    shard.starts("t1")
    assert only(shard.hold("t1"), RequestDecided).task_status == "processing"
    assert names(shard.succeeds("t1")) == ["StageCompleted", "TaskCompleted", "QuotaCommitted"]


def test_stages_that_become_ready_meanwhile_wait_too(shard: Shard) -> None:
    shard.device()
    shard.film("v1", shots=2)
    shard.hold("v1")
    shard.succeeds("v1", "shot-01")
    assert dispatched(shard.succeeds("v1", "shot-02")) == []
    assert only(shard.release("v1"), StageDispatched).stage_id == "film"


def test_a_plan_that_arrives_meanwhile_waits_too(shard: Shard) -> None:
    shard.device(engines=["rules", "null"])
    script = StagePlan(stage_id="script", kind=StageKind.SCRIPT, engine="rules")
    shard.when(VideoRequested(envelope=shard.image_request("x").envelope, request=shard.info("v1"), script=script))
    shard.hold("v1")
    assert dispatched(shard.succeeds("v1", "script", plan=film_plan(2))) == []
    assert dispatched(shard.release("v1")) == ["v1", "v1"]


def test_a_retry_waits_for_the_release_and_for_its_time(shard: Shard) -> None:
    shard.device()
    shard.images("t1")
    shard.hold("t1")
    shard.fails("t1")
    assert dispatched(shard.wait(300)) == []
    assert only(shard.release("t1"), StageDispatched).attempt == 2
    shard.hold("t1")
    shard.fails("t1")
    assert dispatched(shard.release("t1")) == []
    assert only(shard.wait(160), StageDispatched).attempt == 3


def test_a_retry_that_waits_already_is_held_too(shard: Shard) -> None:
    shard.device()
    shard.images("t1")
    shard.fails("t1")
    shard.hold("t1")
    assert dispatched(shard.wait(300)) == []
    assert only(shard.release("t1"), StageDispatched).attempt == 2


def test_a_lost_device_gives_the_stage_back_to_the_hold(shard: Shard) -> None:
    shard.device()
    shard.images("t1")
    shard.hold("t1")
    assert only(shard.leaves(), StageRetryScheduled).counted is False
    assert dispatched(shard.device(boot="boot-2")) == []
    assert dispatched(shard.release("t1")) == ["t1"]


def test_cancel_and_deadline_work_while_held(shard: Shard) -> None:
    shard.images("t1")
    shard.images("t2", deadline=shard.now + timedelta(seconds=30))
    shard.hold("t1")
    shard.hold("t2")
    assert names(shard.cancel("t1")) == ["TaskCancelling", "TaskCancelled", "QuotaReleased", "RequestDecided"]
    assert only(shard.wait(31), TaskExpired).task_id == "t2"
    assert shard.state.backlog_ms == 0


def test_the_acquire_timeout_counts_from_the_release(shard: Shard) -> None:
    shard.images("t1", engine="instantid")
    shard.wait(200)
    shard.hold("t1")
    assert shard.wait(1_000) == []
    shard.release("t1")
    assert shard.wait(299) == []
    assert only(shard.wait(2), TaskFailed).problem.type == "ResourceUnavailable"


def test_a_released_task_lines_up_behind_the_accounts_other_work(shard: Shard) -> None:
    for task in ("t1", "t2"):
        shard.images(task)
    shard.hold("t1")
    shard.release("t1")
    assert dispatched(shard.device()) == ["t2", "t1"]


def test_holding_and_releasing_twice_is_the_same_as_once(shard: Shard) -> None:
    shard.images("t1")
    assert only(shard.release("t1"), RequestDecided).task_status == "queued"
    shard.hold("t1")
    assert names(shard.hold("t1")) == ["RequestDecided"]
    shard.release("t1")
    assert names(shard.release("t1")) == ["RequestDecided"]


def test_a_request_that_the_log_repeats_undoes_nothing(shard: Shard) -> None:
    shard.images("t1")
    envelope = shard.image_request("t1").envelope
    hold = HoldRequested(envelope=envelope, request=shard.info("t1"))
    release = ReleaseRequested(envelope=envelope, request=shard.info("t1"))
    assert names(shard.when(hold)) == ["TaskHeld", "RequestDecided"]
    assert names(shard.when(release)) == ["TaskReleased", "RequestDecided"]
    assert names(shard.when(hold)) == ["RequestDecided"]
    assert names(shard.hold("t1")) == ["TaskHeld", "RequestDecided"]
    assert names(shard.when(release)) == ["RequestDecided"]
    assert shard.state.tasks["t1"].held


@pytest.mark.parametrize("how", ["ended", "ending"])
def test_a_task_that_has_ended_is_answered_with_its_status(shard: Shard, how: str) -> None:
    shard.device()
    shard.images("t1")
    if how == "ended":
        shard.succeeds("t1")
    else:
        shard.cancel("t1")
    answer = only(shard.hold("t1"), RequestDecided)
    assert (answer.outcome, answer.task_status) == (
        Outcome.ACCEPTED,
        "completed" if how == "ended" else "cancelling",
    )
    assert not any(isinstance(event, TaskHeld) for event in shard.history)


@pytest.mark.parametrize(
    ("account", "by", "role", "outcome"),
    [
        ("ann", "", "", Outcome.ACCEPTED),
        ("ann", "ops", "operator", Outcome.ACCEPTED),
        ("ann", "boss", "admin", Outcome.ACCEPTED),
        ("ann", "bob", "member", Outcome.REJECTED),
        ("bob", "", "", Outcome.REJECTED),
    ],
)
def test_the_owner_and_operators_may_hold(shard: Shard, account: str, by: str, role: str, outcome: Outcome) -> None:
    shard.user("bob")
    shard.images("t1")
    answer = only(shard.hold("t1", account, by, role), RequestDecided)
    assert answer.outcome is outcome
    assert shard.state.tasks["t1"].held == (outcome is Outcome.ACCEPTED)
    if by and outcome is Outcome.ACCEPTED:
        assert only(shard.history, TaskHeld).asked_by == by


def test_a_held_task_is_unknown_to_nobody_but_strangers(shard: Shard) -> None:
    answer = only(shard.hold("nothing"), RequestDecided)
    assert answer.problem is not None
    assert answer.problem.type == "NotFound"
