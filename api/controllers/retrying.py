"""POST /tasks/{id}/retry."""

from __future__ import annotations

from litestar import Response, post
from litestar.params import FromPath
from msgspec import UNSET
from msgspec.structs import replace

from api.again import order_again
from api.context import Accepted, accepted, account_seal, open_call, submit
from api.deps import Injected
from api.errors import ApiError
from api.openapi import IDEMPOTENCY, documented, problems
from api.task_access import UserRequest, own_task
from schemas.requests import CharacterSubmitted, StoryboardRequested

RETRYABLE = frozenset({"failed", "expired", "cancelled"})


@post(
    "/tasks/{task_id:str}/retry",
    status_code=202,
    tags=["tasks"],
    operation_class=documented(headers=IDEMPOTENCY),
    responses=problems(400, 401, 404, 409, 422, 503),
)
async def retry_task(request: UserRequest, deps: Injected, task_id: FromPath[str]) -> Response[Accepted]:
    """Ask for a failed, expired or cancelled task again: a new task, linked by `retry_of`, to which all rules apply anew."""
    row = await own_task(request, deps, task_id)
    if row.state not in RETRYABLE:
        raise ApiError("not_retryable", members={"task_id": task_id})
    seal = account_seal(request, deps)
    call = replace(open_call(request, deps, seal, "tasks.retry", task_id), retry_of=task_id)
    record = await order_again(row, call, seal, deps)
    return accepted(
        await submit(request, deps, record),
        storyboard_id=record.storyboard_id if isinstance(record, StoryboardRequested) else UNSET,
        character_id=record.character_id if isinstance(record, CharacterSubmitted) else UNSET,
    )
