"""POST, GET, DELETE /webhooks and new secrets: addresses that get the account's events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, delete, get, post
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType

from api.bodies.webhooks import WebhookBody
from api.context import MAX_JSON, account_seal, check_id, open_call, read_body, submit
from api.deps import Deps, Injected
from api.errors import ApiError, unavailable
from api.openapi import IDEMPOTENCY, documented, problems
from api.planning.webhooks import removal_request, rotation_request, secret_id_for, webhook_request
from api.sealing import AccountSeal
from api.trace import request_id_of
from api.webhooks.message import signing_secret
from api.webhooks.registering import check_webhook_url
from api.webhooks.signing import secret_text
from infra.keystore import Principal
from projections.folds.webhooks import WebhookRow
from schemas.topics import WEBHOOKS

UserRequest = Request[Principal, Any, Any]


class WebhookView(Struct, frozen=True, kw_only=True):
    """A webhook. `secret` is shown when it is made or changed, never again; `events` is empty for the ends of tasks.

    `state` is "ok", or "failing" while nothing is sent because message after message failed.
    """

    webhook_id: str
    url: str
    events: list[str]
    description: str
    state: str
    created_at: datetime | None
    secret: str | UnsetType = UNSET


class WebhookList(Struct, frozen=True):
    """Oldest first; at most 20."""

    items: list[WebhookView]


@post(
    "/webhooks",
    status_code=201,
    tags=["webhooks"],
    operation_class=documented("WebhookBody", headers=IDEMPOTENCY),
    request_max_body_size=MAX_JSON,
    responses=problems(400, 401, 413, 415, 422, 503),
)
async def create_webhook(request: UserRequest, deps: Injected) -> WebhookView:
    """Send the account's events to an address. The answer holds the signing secret, which is shown this once."""
    body = await read_body(request, deps, WebhookBody)
    await check_webhook_url(deps.settings, "url", body.url)
    seal = account_seal(request, deps)
    call = open_call(request, deps, seal, "webhooks.create", body.asked())
    record = webhook_request(body, call, seal)
    await submit(request, deps, record)
    return WebhookView(
        webhook_id=record.webhook_id,
        url=body.url,
        events=record.events,
        description=body.description,
        state="ok",
        created_at=call.now,
        secret=_secret(request, deps, record.secret_id),
    )


@get("/webhooks", tags=["webhooks"], responses=problems(401, 503))
async def list_webhooks(request: UserRequest, deps: Injected) -> WebhookList:
    """The account's webhooks."""
    rows, seal = await _rows(request, deps), account_seal(request, deps)
    failing = await deps.deliveries.failing(request.user.account_id)
    return WebhookList([_view(row, seal, row.webhook_id in failing) for row in rows])


@get("/webhooks/{webhook_id:str}", tags=["webhooks"], responses=problems(401, 404, 503))
async def get_webhook(request: UserRequest, deps: Injected, webhook_id: FromPath[str]) -> WebhookView:
    """One webhook."""
    row = await _own(request, deps, webhook_id)
    failing = await deps.deliveries.failing(request.user.account_id)
    return _view(row, account_seal(request, deps), row.webhook_id in failing)


@post(
    "/webhooks/{webhook_id:str}/rotate",
    status_code=200,
    tags=["webhooks"],
    operation_class=documented(headers=IDEMPOTENCY),
    responses=problems(401, 404, 503),
)
async def rotate_secret(request: UserRequest, deps: Injected, webhook_id: FromPath[str]) -> WebhookView:
    """A new secret, shown this once. For a day messages are signed with the old one too."""
    row = await _own(request, deps, webhook_id)
    seal = account_seal(request, deps)
    cause = request.headers.get("idempotency-key") or request_id_of(request.scope)
    secret_id = secret_id_for(row.webhook_id, f"rotation {cause}")
    call = open_call(request, deps, seal, "webhooks.rotate", webhook_id, concerns=row.webhook_id)
    await submit(request, deps, rotation_request(call, secret_id))
    view = _view(row, seal, failing=False)
    return WebhookView(
        webhook_id=view.webhook_id,
        url=view.url,
        events=view.events,
        description=view.description,
        state=view.state,
        created_at=view.created_at,
        secret=_secret(request, deps, secret_id),
    )


@delete("/webhooks/{webhook_id:str}", tags=["webhooks"], responses=problems(401, 404, 503))
async def remove_webhook(request: UserRequest, deps: Injected, webhook_id: FromPath[str]) -> None:
    """Send nothing more there."""
    row = await _own(request, deps, webhook_id)
    seal = account_seal(request, deps)
    call = open_call(request, deps, seal, "webhooks.remove", webhook_id, concerns=row.webhook_id)
    await submit(request, deps, removal_request(call))


async def _rows(request: UserRequest, deps: Deps) -> list[WebhookRow]:
    if not await deps.reads.settle(WEBHOOKS.name, request.user.account_id):
        raise unavailable("the list of webhooks is not up to date yet")
    return list(await deps.queries.webhooks(request.user.account_id))


async def _own(request: UserRequest, deps: Deps, webhook_id: str) -> WebhookRow:
    check_id(webhook_id)
    found = next((row for row in await _rows(request, deps) if row.webhook_id == webhook_id), None)
    if found is None:
        raise ApiError("not_found")
    return found


def _secret(request: UserRequest, deps: Deps, secret_id: str) -> str:
    return secret_text(signing_secret(deps.keystore.account_key(request.user.account_id), secret_id))


def _view(row: WebhookRow, seal: AccountSeal, failing: bool) -> WebhookView:
    shown = seal.open(row.sealed, "webhook")
    return WebhookView(
        webhook_id=row.webhook_id,
        url=str(shown.get("url", "")),
        events=row.events,
        description=str(shown.get("description", "")),
        state="failing" if failing else "ok",
        created_at=row.created_at,
    )
