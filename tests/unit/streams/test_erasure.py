"""Erased accounts and characters as the coordinator decides about them."""

from __future__ import annotations

import pytest

from schemas.common import StageKind, StagePlan
from schemas.decisions import Outcome, RequestDecided
from schemas.entities import AccountErased, CharacterErased, WebhookRemoved
from schemas.envelope import Envelope, LedgerRecord
from schemas.quotas import QuotaReleased
from schemas.render import CancelCommand, StageStartedReport, StageSucceededReport
from schemas.requests import (
    AccountErasureRequested,
    CharacterErasureRequested,
    CharacterSubmitted,
    WebhookSubmitted,
)
from schemas.tasks import TaskCancelled, TaskCancelling
from tests.deciding import Shard, names, only


@pytest.fixture
def shard() -> Shard:
    shard = Shard()
    shard.user("ann")
    shard.user("bob")
    return shard


def erase(shard: Shard, account: str = "ann") -> list[LedgerRecord]:
    request = AccountErasureRequested(
        envelope=Envelope(account_id=account), request=shard.info(account), operator="olga@desk", reason="asked for it"
    )
    return shard.when(request)


def withdraw(shard: Shard, character: str, account: str = "ann") -> list[LedgerRecord]:
    request = CharacterErasureRequested(
        envelope=Envelope(account_id=account), request=shard.info(character), character_id=character
    )
    return shard.when(request)


def character(shard: Shard, name: str, account: str = "ann") -> list[LedgerRecord]:
    stage = StagePlan(stage_id="embedding", kind=StageKind.EMBEDDING, engine="null", deliver=True)
    request = CharacterSubmitted(
        envelope=Envelope(account_id=account),
        request=shard.info(f"task-of-{name}"),
        stages=[stage],
        character_id=name,
        photo_count=1,
    )
    return shard.when(request)


def made(shard: Shard, name: str, account: str = "ann") -> None:
    character(shard, name, account)
    shard.report(StageSucceededReport, f"task-of-{name}", "embedding")


def outcome(events: list[LedgerRecord]) -> Outcome:
    return only(events, RequestDecided).outcome


def test_all_work_of_an_erased_account_ends_and_nobody_elses(shard: Shard) -> None:
    shard.images("waiting-1", count=2)
    shard.images("waiting-2", count=3)
    shard.images("other", account="bob")
    events = erase(shard)
    assert [e.task_id for e in events if isinstance(e, TaskCancelled)] == ["waiting-1", "waiting-2"]
    assert [e.reserved for e in events if isinstance(e, QuotaReleased)] == [3, 0]
    assert set(shard.state.tasks) == {"other"}
    gone = only(events, AccountErased)
    assert (gone.operator, gone.reason) == ("olga@desk", "asked for it")
    assert outcome(events) is Outcome.ACCEPTED


def test_what_is_on_a_device_is_stopped_there_and_ends_as_cancelled(shard: Shard) -> None:
    shard.device()
    shard.images("t1")
    shard.report(StageStartedReport, "t1")
    late = shard.report_of(StageSucceededReport, "t1")
    assert only(erase(shard), CancelCommand).task_id == "t1"
    assert "TaskCancelled" in names(shard.when(late))
    assert not shard.state.tasks
    assert all(usage.reserved == 0 for usage in shard.state.usage.values())


def test_characters_and_webhooks_go_with_the_account(shard: Shard) -> None:
    shard.device()
    made(shard, "mara")
    made(shard, "bobs", "bob")
    shard.when(
        WebhookSubmitted(envelope=Envelope(account_id="ann"), request=shard.info("w"), webhook_id="w", secret_id="s")
    )
    events = erase(shard)
    assert [e.character_id for e in events if isinstance(e, CharacterErased)] == ["mara"]
    assert only(events, WebhookRemoved).webhook_id == "w"
    assert not shard.state.webhooks


def test_an_erased_account_stays_erased_and_can_ask_nothing(shard: Shard) -> None:
    erase(shard)
    assert names(erase(shard)) == ["RequestDecided"]
    assert outcome(erase(shard)) is Outcome.ACCEPTED
    for events in (shard.images("t1"), shard.user("ann"), shard.limit("images", 5), character(shard, "c")):
        decision = only(events, RequestDecided)
        assert decision.outcome is Outcome.REJECTED
        assert decision.problem is not None
        assert decision.problem.code == "account_erased"
        assert names(events) == ["RequestDecided"]
    assert outcome(shard.images("t2", account="bob")) is Outcome.ACCEPTED


def test_nobody_can_erase_what_never_was(shard: Shard) -> None:
    decision = only(erase(shard, "nobody"), RequestDecided)
    assert decision.problem is not None
    assert decision.problem.code == "account_not_found"


def test_withdrawn_consent_stops_what_is_made_from_the_character(shard: Shard) -> None:
    shard.device()
    made(shard, "mara")
    shard.leaves()
    shard.images("with", character_ids=["mara"])
    shard.images("without")
    events = withdraw(shard, "mara")
    assert only(events, TaskCancelling).task_id == "with"
    assert only(events, CharacterErased).character_id == "mara"
    assert set(shard.state.tasks) == {"without"}
    refused = only(shard.images("again", character_ids=["mara"]), RequestDecided)
    assert refused.problem is not None
    assert refused.problem.errors[0].rule == "exists"
    assert names(withdraw(shard, "mara")) == ["RequestDecided"]


def test_a_character_erased_while_it_is_made_never_becomes_ready(shard: Shard) -> None:
    shard.device()
    character(shard, "mara")
    late = shard.report_of(StageSucceededReport, "task-of-mara", "embedding")
    withdraw(shard, "mara")
    assert "CharacterReady" not in names(shard.when(late))
    assert not shard.state.tasks
    assert shard.state.characters["mara"].erased


def test_only_its_owner_withdraws_a_character(shard: Shard) -> None:
    shard.device()
    made(shard, "mara")
    decision = only(withdraw(shard, "mara", "bob"), RequestDecided)
    assert decision.problem is not None
    assert decision.problem.code == "character_not_found"
    assert shard.state.characters["mara"].ready


def test_an_erasure_asked_too_late_does_nothing(shard: Shard) -> None:
    request = AccountErasureRequested(envelope=Envelope(account_id="ann"), request=shard.info("ann", ttl=-1))
    assert outcome(shard.when(request)) is Outcome.EXPIRED
    assert not shard.state.accounts["ann"].erased
