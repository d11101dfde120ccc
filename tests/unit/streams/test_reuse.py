"""Results that are taken again instead of being rendered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.common import StageKind, StagePlan
from schemas.decisions import Outcome, RequestDecided
from schemas.entities import CharacterReady
from schemas.envelope import Envelope
from schemas.quotas import QuotaCommitted, QuotaEvent, QuotaReleased, QuotaReserved
from schemas.requests import CharacterSubmitted, VideoRequested
from schemas.tasks import StageDispatched, TaskCompleted, TaskQueued
from streams.domain.evolve import evolve
from streams.domain.policy import Policy
from tests.deciding import Shard, film_plan, names, only


@pytest.fixture
def shard() -> Shard:
    return _shard()


def _shard(**policy: Any) -> Shard:
    shard = Shard(Policy(**policy))
    shard.user()
    shard.device()
    return shard


def _made(shard: Shard, task: str = "t1", reuse: str = "h", **fields: Any) -> None:
    shard.images(task, reuse=reuse, **fields)
    shard.succeeds(task)


def _is_cached(shard: Shard, task: str, reuse: str = "h", **fields: Any) -> bool:
    return any(isinstance(event, TaskCompleted) for event in shard.images(task, reuse=reuse, **fields))


def test_the_same_work_completes_at_once_with_the_stored_files(shard: Shard) -> None:
    _made(shard)
    events = shard.images("t2", reuse="h")
    assert names(events) == ["TaskQueued", "TaskCompleted", "RequestDecided"]
    done, first = only(events, TaskCompleted), only(shard.history[: -len(events)], TaskCompleted)
    assert (done.cached, done.cached_from, done.outputs) == (True, "t1", first.outputs)
    answer = only(events, RequestDecided)
    assert (answer.outcome, answer.task_status, answer.estimated_ms) == (Outcome.ACCEPTED, "completed", 0)
    assert only(events, TaskQueued).stages == []
    assert "t2" not in shard.state.tasks
    assert shard.state.backlog_ms == 0


@pytest.mark.parametrize("reuse", ["", "other"])
def test_other_work_and_work_without_a_seed_are_rendered(shard: Shard, reuse: str) -> None:
    _made(shard, reuse=reuse and "h")
    assert not _is_cached(shard, "t2", reuse)


def test_another_accounts_result_is_never_taken(shard: Shard) -> None:
    shard.user("bob")
    _made(shard)
    assert not _is_cached(shard, "t2", account="bob")


def test_equal_requests_at_the_same_time_are_both_rendered(shard: Shard) -> None:
    shard.images("t1", reuse="h")
    assert only(shard.images("t2", reuse="h"), StageDispatched).task_id == "t2"


@pytest.mark.parametrize("how", ["fails", "cancel"])
def test_what_did_not_complete_is_not_taken(shard: Shard, how: str) -> None:
    shard.images("t1", reuse="h")
    if how == "fails":
        shard.fails("t1", retryable=False)
    else:
        shard.cancel("t1")
        shard.succeeds("t1")
    assert not _is_cached(shard, "t2")


def test_a_cached_result_needs_no_quota_and_costs_nothing(shard: Shard) -> None:
    _made(shard)
    shard.limit("images", 1)
    events = shard.images("t2", reuse="h")
    assert only(events, RequestDecided).outcome is Outcome.ACCEPTED
    assert not any(isinstance(event, QuotaEvent) for event in events)
    assert sum(usage.used for usage in shard.state.usage.values()) == 1


def test_a_cached_result_costs_what_rendering_costs_where_it_is_set_so() -> None:
    shard = _shard(cached_charge=1)
    _made(shard)
    events = shard.images("t2", reuse="h")
    assert names(events) == ["TaskQueued", "TaskCompleted", "QuotaReserved", "QuotaCommitted", "RequestDecided"]
    assert (only(events, QuotaCommitted).used, only(events, QuotaCommitted).reserved) == (2, 0)
    shard.limit("images", 2)
    refused = only(shard.images("t3", reuse="h"), RequestDecided)
    assert refused.problem is not None
    assert refused.problem.type == "QuotaExceeded"


def test_a_cached_task_is_answered_like_any_other_when_its_request_comes_again(shard: Shard) -> None:
    _made(shard)
    shard.images("t2", reuse="h")
    again = only(shard.images("t2", reuse="h"), RequestDecided)
    assert (again.outcome, again.task_status) == (Outcome.DUPLICATE, "completed")
    assert only(shard.cancel("t2"), RequestDecided).task_status == "completed"


def test_a_result_is_forgotten_after_the_time_that_answers_are_kept() -> None:
    shard = _shard(remember=timedelta(hours=1))
    _made(shard)
    shard.now += timedelta(minutes=59)
    assert _is_cached(shard, "t2")
    shard.now += timedelta(minutes=2)
    assert not _is_cached(shard, "t3")


def test_no_more_results_are_kept_than_the_policy_says() -> None:
    shard = _shard(results_kept=3)
    for number in range(10):
        _made(shard, f"t{number}", f"h{number}")
    _made(shard, "again", "fresh")
    assert len(shard.state.results) == len(shard.state.result_log) == 3
    assert not _is_cached(shard, "old", "h7")
    shard.succeeds("old")
    assert _is_cached(shard, "new", "h9")


def test_a_newer_result_outlives_the_entry_of_the_older_one() -> None:
    shard = _shard(results_kept=2)
    shard.images("t1", reuse="h")
    shard.images("t2", reuse="h")
    shard.succeeds("t1")
    shard.succeeds("t2")
    _made(shard, "t3", "other")
    assert only(shard.images("t4", reuse="h"), TaskCompleted).cached_from == "t2"


def test_another_version_of_the_engine_renders_anew(shard: Shard) -> None:
    _made(shard)
    shard.device(boot="boot-2", version="2")
    assert not _is_cached(shard, "t2")
    shard.succeeds("t2")
    assert _is_cached(shard, "t3")
    shard.device("old", version="1", boot="x")
    assert _is_cached(shard, "t4"), "some live device still has that version"


def test_a_result_is_taken_while_no_device_is_there(shard: Shard) -> None:
    _made(shard)
    shard.leaves()
    assert _is_cached(shard, "t2")


def _character(shard: Shard) -> None:
    stage = StagePlan(stage_id="embedding", kind=StageKind.EMBEDDING, engine="null", deliver=True)
    envelope = shard.image_request("x").envelope
    shard.when(CharacterSubmitted(envelope=envelope, request=shard.info("c1"), stages=[stage], character_id="lin"))
    shard.succeeds("c1", "embedding")


def _revised(shard: Shard, revision: int) -> None:
    event = CharacterReady(
        envelope=Envelope(account_id="ann", occurred_at=shard.now), character_id="lin", revision=revision
    )
    shard.state = evolve(shard.state, event, shard.policy)


def test_a_new_revision_of_the_character_ends_the_reuse(shard: Shard) -> None:
    _character(shard)
    _made(shard, character_ids=["lin"])
    assert _is_cached(shard, "t2", character_ids=["lin"])
    shard.images("running", reuse="h2", character_ids=["lin"])
    _revised(shard, 2)
    assert not _is_cached(shard, "t3", character_ids=["lin"])
    shard.succeeds("running")
    assert not _is_cached(shard, "t4", "h2", character_ids=["lin"]), "it was begun with the old revision"


def test_a_film_is_taken_again_too(shard: Shard) -> None:
    def film(task: str) -> list[str]:
        info = replace(shard.info(task), reuse_hash="film")
        envelope = shard.image_request("x").envelope
        return names(shard.when(VideoRequested(envelope=envelope, request=info, plan=film_plan(1))))

    film("v1")
    shard.succeeds("v1")
    shard.succeeds("v1", "film")
    assert film("v2") == ["TaskQueued", "TaskCompleted", "RequestDecided"]


def _ends(shard: Shard, task: str, stage: str, *, good: bool) -> None:
    if good:
        shard.succeeds(task, stage)
    else:
        shard.fails(task, stage, retryable=False, cancelled=shard.state.tasks[task].ending is not None)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "h", "i"]), st.booleans(), st.integers(1, 3))),
    st.sampled_from([0, 1]),
)
@settings(max_examples=60, deadline=None)
def test_quota_balances_whatever_is_taken_again(steps: list[tuple[str, str, bool, int]], charge: int) -> None:
    shard = _shard(cached_charge=charge, results_kept=2)
    for account in "abc":
        shard.user(account)
    for number, (account, reuse, good, count) in enumerate(steps):
        task = f"t{number}"
        shard.images(task, account=account, reuse=reuse and f"{reuse}{count}", count=count)
        for stage in range(1, count + 1):
            if task in shard.state.tasks:
                _ends(shard, task, f"shot-{stage:02d}", good=good)
    reserved = sum(e.amount for e in shard.history if isinstance(e, QuotaReserved))
    settled = sum(e.amount for e in shard.history if isinstance(e, QuotaCommitted | QuotaReleased))
    held = sum(usage.reserved for usage in shard.state.usage.values())
    used = sum(usage.used for usage in shard.state.usage.values())
    assert reserved == settled + held
    rendered = [e for e in shard.history if isinstance(e, TaskCompleted) and not e.cached]
    cached = [e for e in shard.history if isinstance(e, TaskCompleted) and e.cached]
    assert used == sum(len(e.outputs) for e in rendered) + charge * sum(len(e.outputs) for e in cached)
    assert all(done.cached_from in {e.task_id for e in rendered} for done in cached)
