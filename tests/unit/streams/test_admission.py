"""Which requests are accepted, and that each is answered once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.common import Tier
from schemas.decisions import Outcome, RequestDecided
from schemas.entities import UserRegistered
from schemas.quotas import QuotaReserved
from schemas.requests import AnyRequest
from schemas.tasks import TaskQueued, TaskRejected
from tests.deciding import Shard, names, only


@pytest.fixture
def shard() -> Shard:
    shard = Shard()
    shard.user()
    shard.device()
    return shard


def test_accepted_work_is_queued_reserved_answered_and_dispatched(shard: Shard) -> None:
    events = shard.images("t1")
    assert names(events) == ["TaskQueued", "QuotaReserved", "RequestDecided", "StageDispatched", "RenderCommand"]
    assert only(events, RequestDecided).outcome is Outcome.ACCEPTED
    assert only(events, TaskQueued).priority == 5


@pytest.mark.parametrize(
    ("tier", "priority", "images"), [(Tier.VIP, 9, 10_000), (Tier.NORMAL, 5, 100), (Tier.FREE, 1, 20)]
)
def test_tiers_set_priority_and_limits(tier: Tier, priority: int, images: int) -> None:
    shard = Shard()
    registered = only(shard.user(tier=tier), UserRegistered)
    assert registered.limits.images_per_day == images
    assert only(shard.images("t1"), TaskQueued).priority == priority


def test_exactly_as_many_are_accepted_as_there_is_room_for(shard: Shard) -> None:
    shard.limit("images", 10)
    answers = [only(shard.images(f"t{n}"), RequestDecided) for n in range(200)]
    assert sum(a.outcome is Outcome.ACCEPTED for a in answers) == 10
    refused = [a for a in answers if a.outcome is Outcome.REJECTED]
    assert len(refused) == 190
    assert {a.problem.type for a in refused if a.problem} == {"QuotaExceeded"}


def test_a_count_that_does_not_fit_whole_reserves_nothing(shard: Shard) -> None:
    shard.limit("images", 3)
    events = shard.images("t1", count=4)
    assert names(events) == ["TaskRejected", "RequestDecided"]
    assert only(shard.images("t2", count=3), QuotaReserved).amount == 3


def test_quota_is_a_day_long(shard: Shard) -> None:
    shard.limit("images", 1)
    shard.images("t1")
    assert only(shard.images("t2"), RequestDecided).outcome is Outcome.REJECTED
    shard.now += timedelta(days=1)
    assert only(shard.images("t3"), RequestDecided).outcome is Outcome.ACCEPTED


def test_decided_too_late_changes_nothing(shard: Shard) -> None:
    late = shard.image_request("t1")
    shard.now += timedelta(seconds=2)
    events = shard.when(late)
    assert names(events) == ["RequestDecided"]
    assert only(events, RequestDecided).outcome is Outcome.EXPIRED


def test_same_key_and_body_gives_the_first_answer_again(shard: Shard) -> None:
    shard.images("t1")
    again = only(shard.images("t1"), RequestDecided)
    assert (again.outcome, again.task_id, again.task_status) == (Outcome.DUPLICATE, "t1", "queued")
    assert again.estimated_ms == only(shard.history, TaskQueued).estimated_ms > 0
    shard.succeeds("t1")
    assert only(shard.images("t1"), RequestDecided).task_status == "completed"


def test_same_key_with_another_body_is_a_conflict(shard: Shard) -> None:
    shard.images("t1")
    assert only(shard.images("t1", body_hash="other"), RequestDecided).outcome is Outcome.CONFLICT


def test_a_repeated_refusal_stays_a_refusal(shard: Shard) -> None:
    shard.limit("images", 0)
    shard.images("t1")
    shard.limit("videos", 5)
    again = only(shard.images("t1"), RequestDecided)
    assert again.outcome is Outcome.DUPLICATE
    assert again.problem is not None
    assert again.problem.type == "QuotaExceeded"


def test_every_broken_limit_is_named_at_once(shard: Shard) -> None:
    events = shard.film("v1", duration_ms=61_000, frames=2_000)
    problem = only(events, TaskRejected).problem
    assert [error.field for error in problem.errors] == ["duration", "frames"]


@pytest.mark.parametrize(
    ("width", "height", "fits"), [(1920, 1080, True), (1080, 1920, True), (1928, 1080, False), (1920, 1088, False)]
)
def test_resolution_limit_holds_in_either_orientation(shard: Shard, width: int, height: int, fits: bool) -> None:
    outcome = only(shard.images("t1", width=width, height=height), RequestDecided).outcome
    assert outcome is (Outcome.ACCEPTED if fits else Outcome.REJECTED)


def test_a_character_must_be_the_callers_and_ready(shard: Shard) -> None:
    problem = only(shard.images("t1", character_ids=["nobody"]), TaskRejected).problem
    assert problem.errors[0].field == "character_id"


def test_an_unknown_account_is_refused(shard: Shard) -> None:
    answer = only(shard.images("t1", account="ghost"), RequestDecided)
    assert answer.outcome is Outcome.REJECTED


def test_every_request_is_answered_exactly_once(shard: Shard) -> None:
    requests: list[AnyRequest] = [shard.image_request(f"t{n % 3}", body_hash=str(n % 2)) for n in range(12)]
    for request in requests:
        answers = [e for e in shard.when(request) if isinstance(e, RequestDecided)]
        assert [a.request_id for a in answers] == [request.request.request_id]
