"""Webhook events into the addresses an account's events are sent to."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from projections.folds.guard import is_old, unexpected
from schemas.entities import AnyWebhookEvent, WebhookRegistered, WebhookRemoved, WebhookSecretRotated
from schemas.envelope import EPOCH


class WebhookRow(Struct, frozen=True, kw_only=True):
    """A webhook. `events` are names as streams give them, none for the ends of tasks; `sealed` holds URL and description and
    is empty once it is `removed`. Since `rotated_at`, `secret_id` signs, and `previous_id` for a day more.
    """

    webhook_id: str
    account_id: str = ""
    events: list[str] = []
    secret_id: str = ""
    previous_id: str = ""
    rotated_at: datetime = EPOCH
    created_at: datetime = EPOCH
    removed: bool = False
    sealed: bytes = b""
    shard_seq: int = 0


def apply_webhook(row: WebhookRow | None, event: AnyWebhookEvent) -> WebhookRow:
    """The webhook after the event. Raises `ContractError` for a change of one that was never registered."""
    if row is not None and is_old(row, event):
        return row
    at, place = event.envelope.occurred_at, event.stamp.shard_seq
    if isinstance(event, WebhookRegistered):
        return WebhookRow(
            webhook_id=event.webhook_id,
            account_id=event.envelope.account_id,
            events=event.events,
            secret_id=event.secret_id,
            created_at=at,
            sealed=event.sealed,
            shard_seq=place,
        )
    if row is None:
        raise unexpected(event, "the webhook was never registered")
    match event:
        case WebhookSecretRotated():
            changed = {"secret_id": event.secret_id, "previous_id": event.previous_id}
            return replace(row, rotated_at=at, shard_seq=place, **changed)
        case WebhookRemoved():
            return replace(row, removed=True, sealed=b"", shard_seq=place)
