"""From the storyboard a script engine wrote to the stages that film it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from schemas.common import FilmPlan
from schemas.errors import RenderError
from schemas.film import FilmOptions, plan_film
from schemas.specs import ScriptSpec, Spec, StoryboardDraft


class Draft(Struct, frozen=True, kw_only=True):
    """What a report tells of a storyboard: its plan if it is to be filmed, number of shots, length in milliseconds."""

    plan: FilmPlan | None = None
    shot_count: int = 0
    duration_ms: int = 0


def draft_of(spec: Spec, data: Mapping[str, Any], seal: Callable[[Spec], bytes]) -> Draft:
    """The draft of a script stage; empty for any other spec. Raises `RenderError` when the storyboard is unusable."""
    if not isinstance(spec, ScriptSpec):
        return Draft()
    try:
        board = msgspec.convert(data.get("storyboard"), StoryboardDraft)
    except msgspec.ValidationError as error:
        raise RenderError(f"the script engine's storyboard is not valid: {error}", code="engine_output") from error
    if not board.shots:
        raise RenderError("the script has nothing that can be shown", code="empty_storyboard")
    plan = plan_film(board.shots, _options(spec.film_options, board), seal) if spec.film_options else None
    return Draft(plan=plan, shot_count=len(board.shots), duration_ms=round(1000 * sum(s.duration for s in board.shots)))


def _options(encoded: bytes, board: StoryboardDraft) -> FilmOptions:
    try:
        options = msgspec.json.decode(encoded, type=FilmOptions)
    except msgspec.DecodeError as error:
        raise RenderError(f"film_options: {error}", code="bad_spec") from error
    return msgspec.structs.replace(options, title=options.title or board.title, language=board.language)
