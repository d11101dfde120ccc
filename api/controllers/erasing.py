"""DELETE /characters/{id}: consent to the pictures of a person is withdrawn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from litestar import delete
from litestar.params import FromPath
from msgspec import Struct

from api.context import UserRequest, account_seal, check_id, open_call, submit, task_links
from api.deps import Deps, Injected
from api.errors import ApiError
from api.openapi import problems
from projections.folds.task_rows import TaskRow
from schemas.requests import CharacterErasureRequested

PAGE = 200


class MadeFrom(Struct, frozen=True, kw_only=True):
    """A task that used the character's pictures. What it made is still there: its owner decides about it."""

    task_id: str
    kind: str
    status: str
    created_at: datetime
    link: str


class ErasedCharacter(Struct, frozen=True, kw_only=True):
    """The character is no more; `deleted` counts the photos and portraits that went just now."""

    character_id: str
    status: str
    deleted: int
    made: list[MadeFrom]


@delete("/characters/{character_id:str}", status_code=200, tags=["characters"], responses=problems(401, 404, 503))
async def erase_character(request: UserRequest, deps: Injected, character_id: FromPath[str]) -> ErasedCharacter:
    """Erase photos, portrait and vector, stop what is being made from them, and list what was made. Idempotent."""
    account_id = request.user.account_id
    row = await deps.reads.character(account_id, check_id(character_id))
    if row is None:
        raise ApiError("not_found")
    if row.status != "erased":
        call = open_call(
            request, deps, account_seal(request, deps), "characters.erase", character_id, concerns=character_id
        )
        record = CharacterErasureRequested(envelope=call.envelope(), request=call.info(), character_id=character_id)
        await submit(request, deps, record)
    tasks = [task async for task in _tasks(deps, account_id)]
    own = [task.task_id for task in tasks if task.entity_id == character_id]
    folders = [f"{folder}/{task_id}/" for task_id in (*own, row.task_id) for folder in ("results", "previews")]
    deleted = 0
    for prefix in (f"accounts/{account_id}/characters/{character_id}/", *folders):
        deleted += await _emptied(deps, prefix)
    made = [_made(task) for task in tasks if character_id in task.character_ids]
    return ErasedCharacter(character_id=character_id, status="erased", deleted=deleted, made=made)


async def _tasks(deps: Deps, account_id: str) -> AsyncIterator[TaskRow]:
    """All tasks of the account, newest first."""
    before: tuple[datetime, str] | None = None
    while True:
        rows = await deps.reads.tasks(account_id, status=None, kind=None, before=before, limit=PAGE)
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        before = rows[-1].created_at, rows[-1].task_id


async def _emptied(deps: Deps, prefix: str) -> int:
    keys = [item.key async for item in deps.store.list(prefix)]
    for key in keys:
        await deps.store.delete(key)
    return len(keys)


def _made(task: TaskRow) -> MadeFrom:
    return MadeFrom(
        task_id=task.task_id,
        kind=task.kind.value,
        status=task.status,
        created_at=task.created_at,
        link=task_links(task.task_id).self_,
    )
