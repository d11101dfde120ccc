"""Retries by hand: new tasks to which every rule of the account applies again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.common import Tier
from schemas.decisions import Outcome, RequestDecided
from schemas.quotas import QuotaReserved
from schemas.tasks import TaskQueued
from streams.domain.policy import Policy
from tests.deciding import Shard, only


@pytest.fixture
def shard() -> Shard:
    shard = Shard()
    shard.user(tier=Tier.FREE)
    shard.device()
    return shard


def test_a_retry_is_a_new_task_that_names_the_old_and_reserves_anew(shard: Shard) -> None:
    shard.images("t1")
    shard.fails("t1", retryable=False)
    events = shard.images("t2", retry_of="t1")
    assert only(events, TaskQueued).retry_of == "t1"
    assert only(events, QuotaReserved).task_id == "t2"


def test_the_quota_of_the_day_counts_again(shard: Shard) -> None:
    shard.images("t1")
    shard.fails("t1", retryable=False)
    shard.limit("images", 0)
    answer = only(shard.images("t2", retry_of="t1"), RequestDecided)
    assert answer.problem is not None
    assert answer.problem.type == "QuotaExceeded"


def test_two_retries_without_a_key_are_two_tasks(shard: Shard) -> None:
    shard.images("t1")
    shard.fails("t1", retryable=False)
    for task in ("t2", "t3"):
        assert only(shard.images(task, retry_of="t1"), RequestDecided).outcome is Outcome.ACCEPTED
    assert set(shard.state.tasks) == {"t2", "t3"}


@pytest.mark.parametrize("how", ["open", "stopping", "completed"])
def test_what_goes_on_or_is_done_is_not_retried(shard: Shard, how: str) -> None:
    shard.images("t1")
    if how == "stopping":
        shard.cancel("t1")
    if how == "completed":
        shard.succeeds("t1")
    answer = only(shard.images("t2", retry_of="t1"), RequestDecided)
    assert answer.problem is not None
    assert answer.problem.code == "not_retryable"
    assert "t2" not in shard.state.tasks


@pytest.mark.parametrize("open_", [True, False])
def test_a_strangers_task_is_not_found(shard: Shard, open_: bool) -> None:
    shard.user("bob")
    shard.images("t1", account="bob")
    if not open_:
        shard.fails("t1", retryable=False)
    answer = only(shard.images("t2", retry_of="t1"), RequestDecided)
    assert answer.problem is not None
    assert answer.problem.type == "NotFound"


def test_an_old_task_that_was_forgotten_can_still_be_retried() -> None:
    shard = Shard(Policy(remember=timedelta(seconds=10)))
    shard.user()
    shard.device()
    shard.images("t1")
    shard.fails("t1", retryable=False)
    for number in range(5):
        shard.wait(30)
        shard.images(f"other-{number}")
        shard.succeeds(f"other-{number}")
    assert "t1" not in shard.state.remembered
    assert only(shard.images("t2", retry_of="t1"), RequestDecided).outcome is Outcome.ACCEPTED
