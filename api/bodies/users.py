"""POST /users and the text parts of POST /characters."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from api.bodies.base import Body, FilledText, Text


class UserBody(Body):
    """A new account."""

    tier: Literal["vip", "normal", "free"] = "normal"


class CharacterBody(Body):
    """What goes with a character's photos; `metadata` is kept as it is and given back."""

    name: Annotated[FilledText, StringConstraints(max_length=100)]
    description: Annotated[Text, StringConstraints(max_length=2000)] = ""
    metadata: dict[str, Any] = {}
