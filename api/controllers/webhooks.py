"""Webhooks: the secret that signs callbacks, what was sent, and sending it again. "callback" names all callback_urls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from api.context import check_id
from api.cursor import decode_cursor, encode_cursor, parse_limit
from api.deps import Injected
from api.errors import ApiError
from api.live.event_ids import event_number
from api.live.sse import event_name
from api.openapi import problems
from api.webhooks.deliveries import CALLBACK, Delivery, Planned
from api.webhooks.message import is_terminal, signing_secret
from api.webhooks.signing import secret_text
from api.webhooks.subscribers import Subscribers
from infra.keystore import Principal

UserRequest = Request[Principal, Any, Any]


class SecretView(Struct, frozen=True):
    """The secret for `webhook-signature`, in the form that Standard Webhooks libraries take."""

    secret: str


class DeliveryView(Struct, frozen=True, kw_only=True):
    """One event for one webhook. `event_id` is its id in the account's stream, `message_id` the `webhook-id`, the same in
    every attempt. `status_code` and `error` are those of the last attempt; `next_attempt` is null when none follows.
    """

    delivery_id: str
    message_id: str
    event_id: int
    event: str
    task_id: str
    state: str
    attempts: int
    next_attempt: datetime | None
    status_code: int | None
    error: str
    took_ms: int
    created_at: datetime
    updated_at: datetime


class DeliveryPage(Struct, frozen=True):
    """Newest first; `next_cursor` is null on the last page."""

    items: list[DeliveryView]
    next_cursor: str | None


@get("/webhooks/callback/secret", tags=["webhooks"], responses=problems(401))
async def get_callback_secret(request: UserRequest, deps: Injected) -> SecretView:
    """The secret that signs everything sent to a `callback_url` of the account."""
    key = deps.keystore.account_key(request.user.account_id, create=True)
    return SecretView(secret_text(signing_secret(key, CALLBACK)))


@get("/webhooks/{webhook_id:str}/deliveries", tags=["webhooks"], responses=problems(400, 401, 404, 503))
async def list_deliveries(
    request: UserRequest,
    deps: Injected,
    webhook_id: FromPath[str],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> DeliveryPage:
    """What was sent and what will be, for 30 days."""
    size = parse_limit(limit)
    known = _webhook(webhook_id)
    rows = await deps.deliveries.page(request.user.account_id, known, decode_cursor(cursor), size + 1)
    page = rows[:size]
    more = encode_cursor(page[-1].created_at, page[-1].delivery_id) if len(rows) > size else None
    return DeliveryPage([_view(row) for row in page], more)


@post(
    "/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}/redeliver",
    status_code=202,
    tags=["webhooks"],
    responses=problems(401, 404, 503),
)
async def redeliver(
    request: UserRequest, deps: Injected, webhook_id: FromPath[str], delivery_id: FromPath[str]
) -> DeliveryView:
    """Send the message once more, under the same `webhook-id`, whether it arrived before or not."""
    row = await deps.deliveries.again(request.user.account_id, _webhook(webhook_id), check_id(delivery_id), deps.now())
    if row is None:
        raise ApiError("not_found")
    return _view(row)


@post(
    "/webhooks/{webhook_id:str}/events/{event_id:str}/deliver",
    status_code=202,
    tags=["webhooks"],
    responses=problems(401, 404, 503),
)
async def deliver_event(
    request: UserRequest, deps: Injected, webhook_id: FromPath[str], event_id: FromPath[str]
) -> DeliveryView:
    """Send any event of the account, however old, under the `webhook-id` that it always has."""
    account, known, number = request.user.account_id, _webhook(webhook_id), event_number(event_id)
    if number is None:
        raise ApiError("not_found")
    rows = await deps.queries.account_events(account, number - 1, 1)
    if not rows or rows[0].account_seq != number or (known == CALLBACK and not is_terminal(rows[0])):
        raise ApiError("not_found")
    if await Subscribers(deps.queries, deps.keystore, deps.now).target(account, known, rows[0].task_id) is None:
        raise ApiError("not_found")
    return _view(await deps.deliveries.renew(Planned(known, rows[0]), deps.now()))


def _webhook(webhook_id: str) -> str:
    return webhook_id if webhook_id == CALLBACK else check_id(webhook_id)


def _view(row: Delivery) -> DeliveryView:
    return DeliveryView(
        delivery_id=row.delivery_id,
        message_id=row.message_id,
        event_id=row.account_seq,
        event=event_name(row.type),
        task_id=row.task_id,
        state=row.state,
        attempts=row.attempts,
        next_attempt=row.next_attempt,
        status_code=row.status,
        error=row.error,
        took_ms=row.took_ms,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
