"""GET /tasks, /tasks/{id}, its history and stream; POST /tasks/{id}/cancel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, get_args

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Stream
from msgspec import Struct

from api.context import account_seal, open_call, submit
from api.cursor import decode_cursor, encode_cursor, parse_limit
from api.deps import Deps, Injected
from api.errors import invalid, unavailable
from api.live.erased import until_erased
from api.live.event_ids import checked_event_id
from api.live.sse import public_event
from api.live.stream import task_stream
from api.openapi import documented, problems
from api.past import parse_as_of, task_at
from api.planning.entities import cancellation_request
from api.rules import BadField
from api.task_access import UserRequest, own_task, past_view_of, view_of
from api.trace import language_of
from api.views.task_models import TaskSummary, TaskView
from api.views.tasks import task_summary
from projections.folds.task_rows import Status
from schemas.common import TaskKind

KINDS = tuple(kind.value for kind in TaskKind if kind is not TaskKind.UNKNOWN)


class TaskPage(Struct, frozen=True):
    """Newest first; `next_cursor` is null on the last page."""

    items: list[TaskSummary]
    next_cursor: str | None


class EventPage(Struct, frozen=True):
    """The task's own history from the log, oldest first."""

    items: list[dict[str, Any]]


@get("/tasks", tags=["tasks"], responses=problems(400, 401, 503))
async def list_tasks(
    request: UserRequest,
    deps: Injected,
    status: FromQuery[str | None] = None,
    kind: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> TaskPage:
    """The caller's tasks, filtered by status and kind."""
    _one_of("status", status, get_args(Status))
    _one_of("kind", kind, KINDS)
    size = parse_limit(limit)
    rows = await deps.reads.tasks(
        request.user.account_id,
        status=status,
        kind=TaskKind(kind) if kind else None,
        before=decode_cursor(cursor),
        limit=size + 1,
    )
    page, language = rows[:size], language_of(request.scope)
    more = encode_cursor(page[-1].created_at, page[-1].task_id) if len(rows) > size else None
    return TaskPage([task_summary(row, deps.reads.percent(row.task_id), language) for row in page], more)


@get("/tasks/{task_id:str}", tags=["tasks"], responses=problems(400, 401, 404, 503))
async def get_task(
    request: UserRequest, deps: Injected, task_id: FromPath[str], as_of: FromQuery[str | None] = None
) -> TaskView:
    """The task as it is now, right after a 202 it is there; or as it was at a time (RFC 3339) since it was accepted."""
    at = parse_as_of(as_of, deps.now())
    row = await own_task(request, deps, task_id)
    if at is not None:
        return await past_view_of(request, deps, await task_at(deps, row, at))
    return await view_of(request, deps, row)


@get("/tasks/{task_id:str}/events", tags=["tasks"], responses=problems(401, 404, 503))
async def get_task_events(request: UserRequest, deps: Injected, task_id: FromPath[str]) -> EventPage:
    """Everything that happened to the task."""
    row = await own_task(request, deps, task_id)
    events = await deps.reads.task_events(row.account_id, row.task_id, 0)
    if events is None:
        raise unavailable("the history is not up to date yet")
    return EventPage([public_event(event) for event in events])


@get(
    "/tasks/{task_id:str}/stream",
    tags=["tasks"],
    operation_class=documented(headers={"Last-Event-ID": "The id of the last event seen; the stream goes on after it"}),
    responses=problems(400, 401, 404, 503),
)
async def stream_task(request: UserRequest, deps: Injected, task_id: FromPath[str]) -> Stream:
    """Server-sent events: history after `Last-Event-ID`, then live until the task ends."""
    row = await own_task(request, deps, task_id)
    after = await checked_event_id(deps, row.account_id, request.headers.get("last-event-id", ""))
    frames = task_stream(deps.hub, deps.reads, row.account_id, row.task_id, after or 0)
    counted = _counted(deps, until_erased(frames, deps.keystore, row.account_id))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(counted, media_type="text/event-stream", headers=headers)


@post("/tasks/{task_id:str}/cancel", status_code=202, tags=["tasks"], responses=problems(401, 404, 503))
async def cancel_task(request: UserRequest, deps: Injected, task_id: FromPath[str]) -> Response[TaskView]:
    """Stop the task: 202 while it is being stopped, 200 with the task when it has ended already."""
    row = await own_task(request, deps, task_id)
    if not row.finished:
        seal = account_seal(request, deps)
        call = open_call(request, deps, seal, "tasks.cancel", task_id, concerns=task_id)
        await submit(request, deps, cancellation_request(call))
        row = await own_task(request, deps, task_id)
    return Response(await view_of(request, deps, row), status_code=200 if row.finished else 202)


async def _counted(deps: Deps, frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with deps.metrics.streams.track_inprogress():
        async for frame in frames:
            yield frame


def _one_of(field: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise invalid(BadField(field, "one_of", {"expected": ", ".join(allowed)}))
