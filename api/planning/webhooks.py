"""Requests about webhooks. The secret itself is nowhere: its id and the account's key give it."""

from __future__ import annotations

from api.bodies.webhooks import WebhookBody
from api.planning.call import Call, Seal
from schemas.ids import derived_id
from schemas.requests import WebhookRemovalRequested, WebhookRotationRequested, WebhookSubmitted


def secret_id_for(webhook_id: str, cause: str) -> str:
    """Id of a secret; the same cause (a replayed call) gives the same."""
    return derived_id("webhook secret", webhook_id, cause)


def webhook_request(body: WebhookBody, call: Call, seal: Seal) -> WebhookSubmitted:
    """A new webhook under the call's id."""
    return WebhookSubmitted(
        envelope=call.envelope(),
        request=call.info(),
        webhook_id=call.task_id,
        secret_id=secret_id_for(call.task_id, "first"),
        events=sorted(set(body.events)),
        sealed=seal.json({"url": body.url, "description": body.description}, "webhook"),
    )


def rotation_request(call: Call, secret_id: str) -> WebhookRotationRequested:
    """Another secret for the webhook."""
    return WebhookRotationRequested(
        envelope=call.envelope(), request=call.info(), webhook_id=call.task_id, secret_id=secret_id
    )


def removal_request(call: Call) -> WebhookRemovalRequested:
    """Nothing more for the webhook."""
    return WebhookRemovalRequested(envelope=call.envelope(), request=call.info(), webhook_id=call.task_id)
