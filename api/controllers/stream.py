"""GET /stream: everything that happens to the caller's tasks, as server-sent events or over a WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, WebSocket, get, websocket
from litestar.response import Stream

from api.deps import Deps, Injected
from api.live.account_frames import as_sse
from api.live.account_stream import account_stream
from api.live.erased import until_erased
from api.live.event_ids import checked_event_id
from api.live.pace import paced
from api.live.socket import serve_socket
from api.openapi import documented, problems
from infra.keystore import Principal

UserRequest = Request[Principal, Any, Any]
HEADERS = {"Last-Event-ID": "The id of the last event seen, 0 for all there ever was; without it the stream begins now"}
UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@get(
    "/stream",
    tags=["tasks"],
    operation_class=documented(headers=HEADERS),
    responses=problems(400, 401, 503),
    middleware=[paced],
)
async def stream_account(request: UserRequest, deps: Injected) -> Stream:
    """Server-sent events of all tasks: after `Last-Event-ID` or from now on, without end. A WebSocket here gives the same."""
    after = await checked_event_id(deps, request.user.account_id, request.headers.get("last-event-id", ""))
    frames = _frames(deps, request.user.account_id, after)
    return Stream(frames, media_type="text/event-stream", headers=UNBUFFERED)


@websocket("/stream")
async def stream_socket(socket: WebSocket[Any, Any, Any], deps: Injected) -> None:
    """The same over a WebSocket, see `api.live.socket`."""
    await serve_socket(socket, deps, checked_event_id)


async def _frames(deps: Deps, account_id: str, after: int | None) -> AsyncIterator[bytes]:
    with deps.metrics.streams.track_inprogress():
        items = account_stream(deps.hub, deps.reads, account_id, after)
        async for item in until_erased(items, deps.keystore, account_id):
            yield as_sse(item)
