"""From an HTTP request to the common part of its record, and from a decision to the answer."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import timedelta
from typing import Any, TypeVar

from litestar import Request, Response
from msgspec import UNSET, Struct, UnsetType

from api.bodies.base import Body
from api.bodies.check import parse_body
from api.deps import Deps
from api.errors import ApiError, invalid
from api.gateway import unknown
from api.planning.call import Call, task_id_for
from api.rules import BadField
from api.sealing import AccountSeal
from api.trace import request_id_of
from infra.keystore import Principal
from schemas import requests
from schemas.decisions import Outcome, RequestDecided
from schemas.ids import is_id

B = TypeVar("B", bound=Body)
MAX_JSON = 1024 * 1024
ANSWER = 1.9  # seconds from the body's arrival to the answer of a write
LEAST = 0.3  # seconds every decision is waited for
PREFIX = "/api/v1"
ABOUT_TASKS = (
    requests.CancellationRequested,
    requests.HoldRequested,
    requests.ReleaseRequested,
    requests.WebhookRotationRequested,
    requests.WebhookRemovalRequested,
    requests.CharacterErasureRequested,
)
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
UserRequest = Request[Principal, Any, Any]


class Links(Struct, frozen=True, rename={"self_": "self"}):
    """Where to go on, as paths of this API."""

    self_: str
    events: str
    stream: str
    cancel: str
    hold: str
    release: str
    retry: str


class Accepted(Struct, frozen=True, kw_only=True):
    """Work that will happen. `estimated_time` in seconds, from measured history."""

    task_id: str
    status: str
    estimated_time: float
    links: Links
    storyboard_id: str | UnsetType = UNSET
    character_id: str | UnsetType = UNSET


def task_links(task_id: str) -> Links:
    """The links of a task."""
    base = f"{PREFIX}/tasks/{task_id}"
    return Links(base, *(f"{base}/{name}" for name in ("events", "stream", "cancel", "hold", "release", "retry")))


async def read_body(request: UserRequest, deps: Deps, model: type[B]) -> B:
    """The checked JSON body. Raises `ApiError` 415 for another content type, 400 naming every bad field."""
    if request.content_type[0] != "application/json":
        raise ApiError("unsupported_media_type", "the body must be application/json")
    body = await request.body()
    request.state.read_at = time.monotonic()
    return parse_body(model, body, deps.now())


def account_seal(request: UserRequest, deps: Deps) -> AccountSeal:
    """Encryption for the caller."""
    return AccountSeal(deps.keystore.account_key(request.user.account_id, create=True))


def open_call(
    request: UserRequest, deps: Deps, seal: AccountSeal, operation: str, canonical: object, *, concerns: str = ""
) -> Call:
    """The identity of this call. `canonical` is what was asked, as plain JSON types; `concerns` is the existing task or
    the account that the call is about, "" when it makes a new task.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise invalid(BadField("Idempotency-Key", "pattern", {"pattern": "1-255 printable ASCII characters"}))
    request_id = request_id_of(request.scope)
    now = deps.now()
    return Call(
        account_id=request.user.account_id,
        key_id=request.user.key_id,
        request_id=request_id,
        task_id=concerns or task_id_for(request.user.account_id, key, request_id),
        body_hash=seal.digest(operation, canonical),
        now=now,
        valid_until=now + timedelta(seconds=deps.settings.request_ttl),
    )


async def submit(request: UserRequest, deps: Deps, record: requests.Request) -> RequestDecided:
    """Write the record, wait for its decision, make later reads of the task at least that new.

    A task older than the coordinator's memory of ids is found in the read model, so that a very late replay under an
    Idempotency-Key is still a replay. Requests about an existing task make none and are idempotent anyway.
    """
    info = record.request
    makes_task = not isinstance(record, ABOUT_TASKS)
    if makes_task and request.headers.get("idempotency-key") is not None and info.body_hash:
        old = await deps.reads.stored_task(record.envelope.account_id, info.task_id)
        if old is not None and old.state != "rejected" and deps.now() - old.created_at > timedelta(hours=24):
            if old.body_hash != info.body_hash:
                raise ApiError("idempotency_key_reuse", members={"task_id": info.task_id})
            return RequestDecided(
                request_id=info.request_id,
                task_id=info.task_id,
                outcome=Outcome.DUPLICATE,
                task_status=old.status,
                estimated_ms=old.estimated_ms,
            )
    left = max(LEAST, ANSWER - (time.monotonic() - request.state.get("read_at", time.monotonic())))
    try:
        async with asyncio.timeout(left):
            return await deps.gateway.submit(record)
    except TimeoutError as error:
        raise unknown(info.task_id) from error
    finally:
        deps.reads.touch(info.task_id)


def accepted(
    decision: RequestDecided, *, storyboard_id: str | UnsetType = UNSET, character_id: str | UnsetType = UNSET
) -> Response[Accepted]:
    """202 with the task's id and links; a replay says so in a header."""
    answer = Accepted(
        task_id=decision.task_id,
        status=decision.task_status or "queued",
        estimated_time=round(decision.estimated_ms / 1000, 3),
        links=task_links(decision.task_id),
        storyboard_id=storyboard_id,
        character_id=character_id,
    )
    headers = {"Location": answer.links.self_}
    if decision.outcome is Outcome.DUPLICATE:
        headers["Idempotency-Replayed"] = "true"
    return Response(answer, status_code=202, headers=headers)


def check_id(text: str) -> str:
    """An id from a path; anything that is no id names nothing."""
    if not is_id(text):
        raise ApiError("not_found")
    return text
