"""POST /tasks/{id}/hold and /tasks/{id}/release."""

from __future__ import annotations

from collections.abc import Callable

from litestar import Response, post
from litestar.params import FromPath
from msgspec.structs import replace

from api.context import account_seal, open_call, submit
from api.deps import Deps, Injected
from api.openapi import problems
from api.planning.call import Call
from api.planning.entities import hold_request, release_request
from api.task_access import UserRequest, steerable_task, view_of
from api.views.task_models import TaskView
from schemas import requests


@post("/tasks/{task_id:str}/hold", status_code=202, tags=["tasks"], responses=problems(401, 404, 503))
async def hold_task(request: UserRequest, deps: Injected, task_id: FromPath[str]) -> Response[TaskView]:
    """Give nothing more of the task to a device until it is released: 202, or 200 with a task that has ended.

    What runs already goes on and counts; cancelling and the deadline work as ever. For the owner and for operators.
    """
    return await _steer(request, deps, task_id, "tasks.hold", hold_request)


@post("/tasks/{task_id:str}/release", status_code=202, tags=["tasks"], responses=problems(401, 404, 503))
async def release_task(request: UserRequest, deps: Injected, task_id: FromPath[str]) -> Response[TaskView]:
    """Let a held task go on, behind the account's other work: 202, or 200 with a task that has ended."""
    return await _steer(request, deps, task_id, "tasks.release", release_request)


async def _steer(
    request: UserRequest, deps: Deps, task_id: str, operation: str, record: Callable[[Call], requests.Request]
) -> Response[TaskView]:
    row = await steerable_task(request, deps, task_id)
    if not row.finished:
        call = open_call(request, deps, account_seal(request, deps), operation, task_id, concerns=task_id)
        if row.account_id != call.account_id:
            call = replace(call, account_id=row.account_id, asked_by=call.account_id, asked_as=request.user.role)
        await submit(request, deps, record(call))
        row = await steerable_task(request, deps, task_id)
    return Response(await view_of(request, deps, row), status_code=200 if row.finished else 202)
