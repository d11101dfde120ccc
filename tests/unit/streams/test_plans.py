"""Plans that cannot be run are refused or fail their task; they never stop the shard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.common import FilmPlan, StageKind, StagePlan
from schemas.decisions import Outcome, RequestDecided
from schemas.quotas import QuotaReleased
from schemas.requests import VideoRequested
from schemas.tasks import StagesPlanned, TaskCompleted, TaskFailed
from streams.domain.plans import plan_errors
from tests.deciding import Shard, film_plan, only


def _stage(name: str, *depends_on: str, **fields: Any) -> StagePlan:
    return StagePlan(stage_id=name, kind=StageKind.SHOT, engine="null", depends_on=list(depends_on), **fields)


BROKEN: dict[str, list[StagePlan]] = {
    "unknown dependency": [_stage("a", "nowhere")],
    "depends on itself": [_stage("a", "a")],
    "cycle": [_stage("a", "b"), _stage("b", "a"), _stage("c")],
    "same id twice": [_stage("a"), _stage("a")],
    "empty id": [_stage("")],
    "no work": [_stage("a", work=0)],
    "negative work": [_stage("a", work=-5)],
    "no attempts": [_stage("a", max_attempts=0)],
}


@pytest.fixture
def shard() -> Shard:
    shard = Shard()
    shard.user()
    shard.device()
    shard.device("cpu-1", engines=["rules"])
    return shard


def _script_film(shard: Shard) -> None:
    script = StagePlan(stage_id="script", kind=StageKind.SCRIPT, engine="rules")
    envelope = shard.image_request("x").envelope
    shard.when(VideoRequested(envelope=envelope, request=shard.info("v1"), script=script))


@pytest.mark.parametrize("stages", BROKEN.values(), ids=BROKEN)
def test_an_agents_broken_plan_fails_its_film_and_costs_nothing(shard: Shard, stages: list[StagePlan]) -> None:
    _script_film(shard)
    events = shard.succeeds("v1", "script", plan=FilmPlan(stages=stages))
    assert only(events, TaskFailed).problem.code == "validation_failed"
    assert only(events, QuotaReleased).amount == 1
    assert shard.state.backlog_ms == 0


def test_a_plan_may_not_name_a_stage_again_that_already_ran(shard: Shard) -> None:
    _script_film(shard)
    assert only(shard.succeeds("v1", "script", plan=FilmPlan(stages=[_stage("script")])), TaskFailed)


def test_a_plan_may_depend_on_the_script(shard: Shard) -> None:
    _script_film(shard)
    assert only(shard.succeeds("v1", "script", plan=FilmPlan(stages=[_stage("a", "script")])), StagesPlanned)


def test_a_script_without_a_film_plan_is_no_finished_film(shard: Shard) -> None:
    _script_film(shard)
    events = shard.succeeds("v1", "script")
    assert only(events, TaskFailed)
    assert not any(isinstance(e, TaskCompleted) for e in events)


def test_only_scripts_make_plans(shard: Shard) -> None:
    shard.film("v1", shots=1)
    events = shard.succeeds("v1", "shot-01", plan=FilmPlan(stages=[_stage("more")]))
    assert not any(isinstance(e, StagesPlanned) for e in events)


@pytest.mark.parametrize("stages", BROKEN.values(), ids=BROKEN)
def test_a_broken_request_is_refused_by_name(shard: Shard, stages: list[StagePlan]) -> None:
    request = replace(shard.image_request("t1"), stages=stages)
    answer = only(shard.when(request), RequestDecided)
    assert answer.outcome is Outcome.REJECTED
    assert answer.problem is not None
    assert answer.problem.errors[0].field.startswith("stages")


names = st.sampled_from(["a", "b", "c", "d", ""])
graphs = st.lists(st.builds(_stage, names, names, names) | st.builds(_stage, names), max_size=5)


@given(graphs)
def test_every_plan_without_errors_can_be_run_to_its_end(stages: list[StagePlan]) -> None:
    done: set[str] = set()
    for _ in stages:
        done |= {s.stage_id for s in stages if set(s.depends_on) <= done}
    runs_through = len(done) == len(stages) and "" not in done
    assert (plan_errors(stages) == []) == runs_through


def test_film_plans_as_agents_make_them_are_fine() -> None:
    make: Callable[[int], FilmPlan] = film_plan
    assert plan_errors(make(5).stages, {"script"}) == []
