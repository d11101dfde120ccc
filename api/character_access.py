"""The character that a path names."""

from __future__ import annotations

from api.context import UserRequest, check_id
from api.deps import Deps
from api.errors import ApiError
from projections.folds.characters import CharacterRow


async def own_character(request: UserRequest, deps: Deps, character_id: str) -> CharacterRow:
    """The caller's character, also one that was erased. Raises `ApiError` 404."""
    row = await deps.reads.character(request.user.account_id, check_id(character_id))
    if row is None:
        raise ApiError("not_found")
    return row
