"""GET /usage; POST /users for operators."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from litestar import Request, get, post
from litestar.params import FromQuery
from msgspec import Struct
from msgspec.structs import replace

from api.auth import operators_only
from api.bodies.users import UserBody
from api.context import MAX_JSON, open_call, read_body
from api.deps import Injected
from api.errors import ApiError, unavailable
from api.openapi import documented, problems
from api.past import parse_as_of
from api.planning.entities import user_request
from api.sealing import AccountSeal
from api.views.entities import UsageReport, usage_report
from infra.keystore import Principal
from schemas.common import Limits
from schemas.ids import new_id
from schemas.topics import QUOTAS

UserRequest = Request[Principal, Any, Any]
HISTORY_DAYS = 30


class NewUser(Struct, frozen=True):
    """A new account and its key, which is shown this once."""

    user_id: str
    api_key: str
    tier: str


@get("/usage", tags=["account"], responses=problems(400, 401, 503))
async def get_usage(request: UserRequest, deps: Injected, as_of: FromQuery[str | None] = None) -> UsageReport:
    """Today's quotas (used, reserved, limit, remaining) and the last 30 days; as they were at a time (RFC 3339) if given."""
    at = parse_as_of(as_of, deps.now())
    account_id, today = request.user.account_id, (at or deps.now()).astimezone(UTC).date()
    if not await deps.reads.settle(QUOTAS.name, account_id):
        raise unavailable("today's usage is not up to date yet")
    since = (today - timedelta(days=HISTORY_DAYS)).isoformat()
    found = await deps.reads.limits(account_id)  # asked always: it waits until the account is stored
    if at is None:
        rows = await deps.queries.usage(account_id, since)
    else:
        rows, found = await deps.queries.usage_at(account_id, since, at), await deps.queries.limits_at(account_id, at)
    limits = found or Limits(images_per_day=0, videos_per_day=0)
    return usage_report(rows, limits, today.isoformat())


@post(
    "/users",
    status_code=201,
    tags=["account"],
    guards=[operators_only],
    operation_class=documented("UserBody"),
    request_max_body_size=MAX_JSON,
    responses=problems(400, 401, 403, 415, 503),
)
async def create_user(request: UserRequest, deps: Injected) -> NewUser:
    """Register an account. Its key exists first, so that nobody can see an account without one; refused, it is revoked."""
    body = await read_body(request, deps, UserBody)
    account_id = new_id()
    seal = AccountSeal(deps.keystore.account_key(account_id, create=True))
    key = deps.keystore.create_api_key(account_id, "member", body.tier)
    call = open_call(request, deps, seal, "users.create", body.model_dump(mode="json"), concerns=account_id)
    call = replace(call, account_id=account_id, asked_by=request.user.account_id, asked_as=request.user.role)
    try:
        await deps.gateway.submit(user_request(body, call, key.key_id))
    except ApiError:
        deps.keystore.revoke_api_key(key.key_id)
        raise
    return NewUser(account_id, key.secret_text, body.tier)
