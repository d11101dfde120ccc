"""Where an account's events are sent: registration, new secrets, removal."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.common import Problem
from schemas.decisions import Outcome
from schemas.entities import WebhookRegistered, WebhookRemoved, WebhookSecretRotated
from schemas.envelope import LedgerRecord
from schemas.requests import WebhookRemovalRequested, WebhookRotationRequested, WebhookSubmitted
from streams.domain import memory
from streams.domain.drafts import decided, draft
from streams.domain.limits import not_found
from streams.domain.state import Remembered, ShardState

MAX_WEBHOOKS = 20  # an account
Event = WebhookRegistered | WebhookSecretRotated | WebhookRemoved


def register(state: ShardState, request: WebhookSubmitted) -> list[LedgerRecord]:
    """A new webhook, unless the account has `MAX_WEBHOOKS` already."""
    account_id = request.envelope.account_id
    if len(state.webhooks.get(account_id, ())) >= MAX_WEBHOOKS:
        detail = f"an account has at most {MAX_WEBHOOKS} webhooks"
        problem = Problem(type="LimitExceeded", code="limit_exceeded", detail=detail)
        return [decided(request, Outcome.REJECTED, problem=problem)]
    event = draft(
        WebhookRegistered,
        account_id,
        request.webhook_id,
        request.request.request_id,
        webhook_id=request.webhook_id,
        body_hash=request.request.body_hash,
        secret_id=request.secret_id,
        events=request.events,
        sealed=request.sealed,
    )
    return [event, decided(request, Outcome.ACCEPTED, task_id=request.webhook_id)]


def edit(state: ShardState, request: WebhookRotationRequested | WebhookRemovalRequested) -> list[LedgerRecord]:
    """Another secret or none of it any more. A removed webhook stays removed; a secret that signs already goes on."""
    account_id, webhook_id = request.envelope.account_id, request.webhook_id
    secret_id = dict(state.webhooks.get(account_id, ())).get(webhook_id)
    accepted = decided(request, Outcome.ACCEPTED, task_id=webhook_id)
    request_id = request.request.request_id
    if isinstance(request, WebhookRemovalRequested):
        if secret_id is None:
            return [accepted]
        return [draft(WebhookRemoved, account_id, webhook_id, request_id, webhook_id=webhook_id), accepted]
    if secret_id is None:
        return [decided(request, Outcome.REJECTED, problem=not_found("webhook"))]
    if secret_id == request.secret_id:
        return [accepted]
    ids = {"webhook_id": webhook_id, "secret_id": request.secret_id, "previous_id": secret_id}
    return [draft(WebhookSecretRotated, account_id, webhook_id, request_id, **ids), accepted]


def evolve(state: ShardState, event: Event) -> ShardState:
    """Fold one event about a webhook."""
    account_id = event.envelope.account_id
    mine = dict(state.webhooks.get(account_id, ()))
    match event:
        case WebhookRegistered():
            seen = Remembered(account_id=account_id, body_hash=event.body_hash, status="completed")
            state = memory.remember(state, event.webhook_id, seen, event.envelope.occurred_at)
            mine[event.webhook_id] = event.secret_id
        case WebhookSecretRotated():
            mine[event.webhook_id] = event.secret_id
        case WebhookRemoved():
            del mine[event.webhook_id]
    left = tuple(mine.items())
    webhooks = state.webhooks.set(account_id, left) if left else state.webhooks.delete(account_id)
    return replace(state, webhooks=webhooks)
