"""Which task a caller may see or steer, and how it is shown to them."""

from __future__ import annotations

from typing import Any

from litestar import Request
from msgspec.structs import replace

from api.context import account_seal, check_id
from api.deps import Deps
from api.errors import ApiError
from api.signing import signer
from api.trace import language_of
from api.views.task_models import TaskView
from api.views.tasks import task_view
from infra.keystore import Principal
from projections.folds.task_rows import TaskRow
from schemas.requests import OPERATORS

UserRequest = Request[Principal, Any, Any]


async def own_task(request: UserRequest, deps: Deps, task_id: str) -> TaskRow:
    """The caller's task; 404 for anything else."""
    row = await deps.reads.task(request.user.account_id, check_id(task_id))
    if row is None:
        raise ApiError("not_found")
    return row


async def steerable_task(request: UserRequest, deps: Deps, task_id: str) -> TaskRow:
    """The caller's task, or for operators anybody's; 404 for anything else."""
    row = await deps.reads.task(request.user.account_id, check_id(task_id))
    if row is None and request.user.role in OPERATORS:
        owner = await deps.reads.owner(task_id)
        row = await deps.reads.task(owner, task_id) if owner is not None else None
    if row is None:
        raise ApiError("not_found")
    return row


async def view_of(request: UserRequest, deps: Deps, row: TaskRow) -> TaskView:
    """The task as the caller may see it: operators see how somebody else's task goes, never what it made."""
    if row.account_id != request.user.account_id:
        row = replace(row, outputs=[], results={})
    return await task_view(
        row,
        percent=deps.reads.percent(row.task_id),
        queue_position=await deps.reads.queue_position(row),
        seal=account_seal(request, deps),
        sign=signer(deps.store),
        language=language_of(request.scope),
    )


async def past_view_of(request: UserRequest, deps: Deps, row: TaskRow) -> TaskView:
    """A task of the caller's as it was: progress and the queue are known for now only, so no part of it."""
    return await task_view(
        row,
        percent={},
        queue_position=None,
        seal=account_seal(request, deps),
        sign=signer(deps.store),
        language=language_of(request.scope),
    )
