"""Webhooks as the coordinator decides about them."""

from __future__ import annotations

import pytest

from schemas.decisions import Outcome, RequestDecided
from schemas.entities import WebhookSecretRotated
from schemas.envelope import Envelope, LedgerRecord
from schemas.requests import WebhookRemovalRequested, WebhookRotationRequested, WebhookSubmitted
from streams.domain.webhooks import MAX_WEBHOOKS
from tests.deciding import Shard, names, only


@pytest.fixture
def shard() -> Shard:
    shard = Shard()
    shard.user("ann")
    shard.user("bob")
    return shard


def submit(shard: Shard, webhook: str, account: str = "ann", body: str = "body") -> list[LedgerRecord]:
    request = WebhookSubmitted(
        envelope=Envelope(account_id=account),
        request=shard.info(webhook, body),
        webhook_id=webhook,
        secret_id="s1",
        events=["task.queued"],
        sealed=b"url",
    )
    return shard.when(request)


def rotate(shard: Shard, webhook: str, secret: str, account: str = "ann") -> list[LedgerRecord]:
    envelope, info = Envelope(account_id=account), shard.info(webhook)
    return shard.when(WebhookRotationRequested(envelope=envelope, request=info, webhook_id=webhook, secret_id=secret))


def remove(shard: Shard, webhook: str, account: str = "ann") -> list[LedgerRecord]:
    envelope, info = Envelope(account_id=account), shard.info(webhook)
    return shard.when(WebhookRemovalRequested(envelope=envelope, request=info, webhook_id=webhook))


def outcome(events: list[LedgerRecord]) -> Outcome:
    return only(events, RequestDecided).outcome


def test_a_webhook_is_registered_once(shard: Shard) -> None:
    assert names(submit(shard, "w1")) == ["WebhookRegistered", "RequestDecided"]
    assert outcome(submit(shard, "w1")) is Outcome.DUPLICATE
    assert outcome(submit(shard, "w1", body="other")) is Outcome.CONFLICT
    assert outcome(submit(shard, "w1", account="bob")) is Outcome.CONFLICT
    assert outcome(submit(shard, "w9", account="nobody")) is Outcome.REJECTED


def test_an_account_has_so_many_and_a_removed_one_makes_room(shard: Shard) -> None:
    assert {outcome(submit(shard, f"w{n}")) for n in range(MAX_WEBHOOKS)} == {Outcome.ACCEPTED}
    refused = only(submit(shard, "more"), RequestDecided)
    assert refused.problem is not None
    assert refused.problem.code == "limit_exceeded"
    assert outcome(submit(shard, "others", account="bob")) is Outcome.ACCEPTED
    assert names(remove(shard, "w3")) == ["WebhookRemoved", "RequestDecided"]
    assert outcome(submit(shard, "again")) is Outcome.ACCEPTED


def test_a_rotation_names_the_secret_before_and_is_made_once(shard: Shard) -> None:
    submit(shard, "w1")
    rotated = only(rotate(shard, "w1", "s2"), WebhookSecretRotated)
    assert (rotated.secret_id, rotated.previous_id) == ("s2", "s1")
    assert names(rotate(shard, "w1", "s2")) == ["RequestDecided"]


def test_nobody_edits_what_is_not_theirs_or_gone(shard: Shard) -> None:
    submit(shard, "w1")
    assert outcome(rotate(shard, "w1", "s2", account="bob")) is Outcome.REJECTED
    assert names(remove(shard, "w1", account="bob")) == ["RequestDecided"]
    assert outcome(rotate(shard, "w1", "s2")) is Outcome.ACCEPTED
    remove(shard, "w1")
    assert names(remove(shard, "w1")) == ["RequestDecided"]
    assert outcome(rotate(shard, "w1", "s3")) is Outcome.REJECTED
