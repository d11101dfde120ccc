"""Later revisions of a character, and photos compared with it, as the coordinator decides about them."""

from __future__ import annotations

import pytest

from schemas.common import Problem, StageKind, StagePlan, TaskKind
from schemas.decisions import Outcome, RequestDecided
from schemas.entities import CharacterFailed, CharacterReady
from schemas.envelope import Envelope, LedgerRecord
from schemas.quotas import QuotaReserved
from schemas.render import StageFailedReport, StageSucceededReport
from schemas.requests import CharacterErasureRequested, CharacterSubmitted, VerificationRequested
from schemas.tasks import TaskCompleted, TaskQueued
from tests.deciding import Shard, only

STAGE = StagePlan(stage_id="embedding", kind=StageKind.EMBEDDING, engine="null", deliver=True, max_attempts=1)


@pytest.fixture
def shard() -> Shard:
    shard = Shard()
    shard.user("ann")
    shard.user("bob")
    shard.device()
    return shard


def submit(shard: Shard, task: str, *, revises: bool, account: str = "ann") -> list[LedgerRecord]:
    request = CharacterSubmitted(
        envelope=Envelope(account_id=account),
        request=shard.info(task),
        stages=[STAGE],
        character_id="mara",
        photo_count=2,
        revises=revises,
    )
    return shard.when(request)


def verify(shard: Shard, account: str = "ann") -> list[LedgerRecord]:
    request = VerificationRequested(
        envelope=Envelope(account_id=account), request=shard.info("v"), stages=[STAGE], character_ids=["mara"]
    )
    return shard.when(request)


def made(shard: Shard) -> None:
    submit(shard, "first", revises=False)
    shard.report(StageSucceededReport, "first", "embedding")


def refused(events: list[LedgerRecord]) -> str:
    answer = only(events, RequestDecided)
    assert answer.outcome is Outcome.REJECTED
    assert answer.problem is not None
    return answer.problem.errors[0].rule


def test_revisions_count_up_and_the_last_one_stays_in_use_meanwhile(shard: Shard) -> None:
    made(shard)
    submit(shard, "second", revises=True)
    assert (shard.state.characters["mara"].ready, shard.state.characters["mara"].revision) == (True, 1)
    assert only(verify(shard), RequestDecided).outcome is Outcome.ACCEPTED
    events = shard.report(StageSucceededReport, "second", "embedding")
    assert only(events, CharacterReady).revision == 2
    assert shard.state.characters["mara"].revision == 2


def test_a_revision_that_fails_leaves_the_last_one(shard: Shard) -> None:
    made(shard)
    submit(shard, "second", revises=True)
    problem = Problem(code="photos_disagree", retryable=False)
    assert only(shard.report(StageFailedReport, "second", "embedding", problem=problem), CharacterFailed)
    assert (shard.state.characters["mara"].ready, shard.state.characters["mara"].revision) == (True, 1)
    submit(shard, "third", revises=True)
    assert only(shard.report(StageSucceededReport, "third", "embedding"), CharacterReady).revision == 2


def test_only_ones_own_ready_character_is_revised_or_compared(shard: Shard) -> None:
    assert refused(submit(shard, "none", revises=True)) == "exists"
    submit(shard, "first", revises=False)
    assert refused(submit(shard, "early", revises=True)) == "ready"
    shard.report(StageSucceededReport, "first", "embedding")
    assert refused(submit(shard, "bobs", revises=True, account="bob")) == "exists"
    assert refused(submit(shard, "again", revises=False)) == "unique"
    assert refused(verify(shard, "bob")) == "exists"
    shard.when(
        CharacterErasureRequested(envelope=Envelope(account_id="ann"), request=shard.info("mara"), character_id="mara")
    )
    assert refused(submit(shard, "erased", revises=True)) == "exists"


def test_a_comparison_is_a_task_of_its_own_kind_that_costs_nothing(shard: Shard) -> None:
    made(shard)
    events = verify(shard)
    assert only(events, TaskQueued).kind is TaskKind.VERIFICATION
    assert not [event for event in events if isinstance(event, QuotaReserved)]
    done = shard.report(StageSucceededReport, "v", "embedding")
    assert only(done, TaskCompleted)
    assert not [event for event in done if isinstance(event, CharacterReady)]
