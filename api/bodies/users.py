"""POST /users and the text parts of POST /characters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from api.bodies.base import Body, EngineName, FilledText, Text
from api.engines import engine_errors
from api.rules import BadField


class UserBody(Body):
    """A new account."""

    tier: Literal["vip", "normal", "free"] = "normal"


class CharacterBody(Body):
    """What goes with a character's photos; `metadata` is kept as it is and given back, `encoder` tells faces apart."""

    name: Annotated[FilledText, StringConstraints(max_length=100)]
    description: Annotated[Text, StringConstraints(max_length=2000)] = ""
    metadata: dict[str, Any] = {}
    encoder: EngineName = "descriptor"

    @classmethod
    def cross_check(cls, data: Mapping[str, Any], now: datetime) -> list[BadField]:
        """Also: the encoder is an installed face engine."""
        return [*super().cross_check(data, now), *engine_errors(data, "encoder", "face")]
