"""POST, GET and DELETE /webhooks over in-memory ports."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from api.webhooks.message import signing_secret
from api.webhooks.signing import secret_text
from api.webhooks.subscribers import Subscribers, wants
from projections.folds.task_events import TaskEventRow
from projections.folds.webhooks import WebhookRow
from schemas.ids import new_id
from schemas.requests import WebhookRemovalRequested, WebhookRotationRequested, WebhookSubmitted
from tests.unit.api.deliveries import pending
from tests.unit.api.helpers import ME, OTHER, opened, sealed
from tests.unit.api.support import NOW, Edge

URL = "https://93.184.216.34/hook"


def stored(edge: Edge, account_id: str = ME) -> WebhookRow:
    private = sealed(edge, {"url": URL, "description": "shop"}, "webhook")
    row = WebhookRow(webhook_id=new_id(), account_id=account_id, secret_id="s1", created_at=NOW, sealed=private)
    edge.model.webhook_rows.append(row)
    return row


def test_a_webhook_is_asked_for_sealed_and_its_secret_is_told_once(edge: Edge) -> None:
    body = {"url": URL, "events": ["task.failed", "task.completed"], "description": "shop"}
    with edge.client(ME) as client:
        made = client.post("/api/v1/webhooks", json=body, headers={"Idempotency-Key": "a"})
        again = client.post("/api/v1/webhooks", json=body, headers={"Idempotency-Key": "a"})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    assert {k: made.json()[k] for k in ("webhook_id", "secret")} == {
        k: again.json()[k] for k in ("webhook_id", "secret")
    }
    request = edge.gateway.requests[0]
    assert isinstance(request, WebhookSubmitted)
    assert request.events == ["task.completed", "task.failed"]
    assert opened(edge, request.sealed, "webhook") == {"url": URL, "description": "shop"}
    assert "whsec" not in repr(request)
    assert URL not in repr(request)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "http://93.184.216.34/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": URL, "events": ["task.nope"]}, "events[0]"),
        ({"url": URL, "events": "*"}, "events"),
        ({"url": URL, "description": "x" * 201}, "description"),
        ({"url": URL, "secret": "mine"}, "secret"),
    ],
)
def test_a_bad_webhook_is_refused_by_field(edge: Edge, body: dict[str, object], field: str) -> None:
    with edge.client(ME) as client:
        answer = client.post("/api/v1/webhooks", json=body)
    assert answer.status_code == 400
    assert [bad["field"] for bad in answer.json()["errors"]] == [field]


def test_webhooks_are_shown_without_secrets_and_only_to_their_owner(edge: Edge) -> None:
    row = stored(edge)
    with edge.client(ME) as client:
        [shown] = client.get("/api/v1/webhooks").json()["items"]
        assert client.get(f"/api/v1/webhooks/{row.webhook_id}").json() == shown
    assert (shown["url"], shown["state"]) == (URL, "ok")
    assert "secret" not in shown
    with edge.client(OTHER) as client:
        assert client.get("/api/v1/webhooks").json()["items"] == []
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
            assert client.request(method, f"/api/v1/webhooks/{row.webhook_id}{path}").status_code == 404
    assert edge.gateway.requests == []


def test_secrets_change_and_webhooks_go_by_request(edge: Edge) -> None:
    row = stored(edge)
    with edge.client(ME) as client:
        rotated = client.post(f"/api/v1/webhooks/{row.webhook_id}/rotate")
        assert client.delete(f"/api/v1/webhooks/{row.webhook_id}").status_code == 204
    rotation, removal = edge.gateway.requests
    assert isinstance(rotation, WebhookRotationRequested)
    assert isinstance(removal, WebhookRemovalRequested)
    key = edge.keystore.account_key(ME)
    assert rotated.json()["secret"] == secret_text(signing_secret(key, rotation.secret_id))
    assert rotation.webhook_id == removal.webhook_id == row.webhook_id


async def test_for_a_day_both_secrets_sign(edge: Edge) -> None:
    row = replace(stored(edge), secret_id="s2", previous_id="s1", rotated_at=NOW)
    edge.model.webhook_rows[:] = [row]
    key, delivery = edge.keystore.account_key(ME), pending(ME, row.webhook_id, new_id(), 1, NOW)
    for later, ids in ((timedelta(hours=23), ["s2", "s1"]), (timedelta(hours=25), ["s2"])):
        at = NOW + later
        found = await Subscribers(edge.model, edge.keystore, lambda at=at: at).find(delivery)  # type: ignore[misc]
        assert found is not None
        assert found.secrets == [signing_secret(key, name) for name in ids]
        assert found.url == URL


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        ([], {"TaskCompleted"}),
        (["*"], {"TaskCompleted", "TaskQueued", "StageStarted"}),
        (["task.queued"], {"TaskQueued"}),
    ],
)
def test_the_filter(events: list[str], wanted: set[str]) -> None:
    webhook = WebhookRow(webhook_id="w", events=events)
    rows = [
        TaskEventRow(task_id="t", sequence=1, type=name) for name in ("TaskCompleted", "TaskQueued", "StageStarted")
    ]
    assert {row.type for row in rows if wants(webhook, row)} == wanted
