"""What a client can do in every state of a task, and what a crash leaves of a film."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.decisions import Outcome, RequestDecided
from schemas.quotas import QuotaCommitted, QuotaReleased
from schemas.tasks import StageDispatched
from tests.deciding import Shard, names, only


@pytest.fixture
def shard() -> Shard:
    shard = Shard()
    shard.user()
    shard.device()
    return shard


@pytest.mark.parametrize(
    "state", ["queued", "dispatched", "processing", "retrying", "held", "between stages", "half done", "expiring"]
)
def test_a_cancel_in_any_state_ends_the_task_and_charges_nothing(shard: Shard, state: str) -> None:
    if state == "queued":
        shard.leaves()
    if state in ("between stages", "half done"):
        shard.film("t1", shots=2)
        shard.succeeds("t1", "shot-01")
        if state == "between stages":
            shard.leaves()
            shard.device(boot="other", engines=["animatic"])
    else:
        shard.images("t1", deadline=shard.now + timedelta(seconds=30) if state == "expiring" else None)
    match state:
        case "processing":
            shard.starts("t1")
        case "retrying":
            shard.fails("t1")
        case "held":
            shard.hold("t1")
        case "expiring":
            shard.wait(31)
    shard.cancel("t1")
    for stage in list(shard.state.tasks["t1"].outstanding) if "t1" in shard.state.tasks else []:
        shard.succeeds("t1", stage.plan.stage_id)
    assert "t1" not in shard.state.tasks
    assert not any(isinstance(event, QuotaCommitted) for event in shard.history)
    assert only(shard.history, QuotaReleased).task_id == "t1"
    assert sum(usage.used + usage.reserved for usage in shard.state.usage.values()) == 0
    assert (shard.state.backlog_ms, len(shard.state.queue), len(shard.state.delayed)) == (0, 0, 0)


def test_after_a_crash_only_unfinished_shots_are_rendered_again(shard: Shard) -> None:
    shard.film("v1", shots=3)
    shard.succeeds("v1", "shot-02")
    shard.leaves()
    again = [e.stage_id for e in shard.device(boot="boot-2") if isinstance(e, StageDispatched)]
    assert sorted(again) == ["shot-01", "shot-03"]
    shard.succeeds("v1", "shot-01")
    shard.succeeds("v1", "shot-03")
    shard.leaves(boot="boot-2")
    assert [e.stage_id for e in shard.device(boot="boot-3") if isinstance(e, StageDispatched)] == ["film"]
    assert names(shard.succeeds("v1", "film")) == ["StageCompleted", "TaskCompleted", "QuotaCommitted"]


@pytest.mark.parametrize("state", ["queued", "processing", "cancelling", "completed", "failed"])
def test_a_repeated_request_is_answered_with_the_tasks_present_status(shard: Shard, state: str) -> None:
    shard.images("t1")
    match state:
        case "processing":
            shard.starts("t1")
        case "cancelling":
            shard.cancel("t1")
        case "completed":
            shard.succeeds("t1")
        case "failed":
            shard.fails("t1", retryable=False)
    again = only(shard.images("t1"), RequestDecided)
    assert (again.outcome, again.task_status) == (Outcome.DUPLICATE, state)
