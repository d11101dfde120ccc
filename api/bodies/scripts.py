"""POST /scripts/storyboard."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.bodies.base import Body, CallbackUrl, Deadline, EngineName, FilledText, Identifier, Project, Seconds
from api.bodies.images import Style
from api.engines import engine_errors
from api.rules import BadField
from schemas.specs import Language

Script = Annotated[FilledText, StringConstraints(max_length=100_000)]


class StoryboardBody(Body):
    """A script (plain prose or Fountain) to turn into shots. Lengths in seconds; without a language it is detected."""

    script: Script
    language: Language | None = None
    style: Style = ""
    characters: Annotated[list[Identifier], Field(max_length=20)] = []
    target_duration: Annotated[Seconds, Field(ge=0.5, le=3600)] | None = None
    engine: EngineName = "rules"
    project: Project | None = None
    deadline: Deadline | None = None
    callback_url: CallbackUrl | None = None

    @classmethod
    def cross_check(cls, data: Mapping[str, Any], now: datetime) -> list[BadField]:
        """Also: the engine is installed."""
        return [*super().cross_check(data, now), *engine_errors(data, "engine", "script")]
