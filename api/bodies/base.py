"""Common parts of request bodies: strict types, no unknown fields, texts without control characters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from api.engines import MAX_NAME
from api.rules import BadField

MAX_SEED = 2**32 - 1
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")


def _printable(text: str) -> str:
    if _CONTROL.search(text):
        raise PydanticCustomError("control_characters", "must not hold control characters")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("not_blank", "must not be blank")
    return _printable(text)


def _rfc3339(value: object) -> object:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise PydanticCustomError("date_time", "must be an RFC 3339 time")
    return value


Text = Annotated[str, AfterValidator(_printable)]
FilledText = Annotated[str, StringConstraints(min_length=1), AfterValidator(_not_blank)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Project = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
EngineName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
PixelSize = Annotated[int, Field(ge=512, le=2048, multiple_of=8)]
Seconds = Annotated[float, Field(allow_inf_nan=False)]
CallbackUrl = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Deadline = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_rfc3339)]


class Body(BaseModel):
    """Base of every body. Unknown fields are errors, so that a typing mistake is never silently ignored."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    @classmethod
    def cross_check(cls, data: Mapping[str, Any], now: datetime) -> list[BadField]:
        """Rules over several fields or the clock, on the parsed JSON before types are known to be right.

        They run beside the field rules, not after them, so that one answer names everything.
        """
        return check_deadline(data, now)

    def asked(self) -> dict[str, Any]:
        """The body as plain JSON types, for telling replays; without the fields that came later and are not used."""
        given = self.model_dump(mode="json")
        return {name: value for name, value in given.items() if name != "callback_url" or value is not None}


def check_deadline(data: Mapping[str, Any], now: datetime) -> list[BadField]:
    """A deadline that has passed cannot be met; one whose UTC time lies outside the years 1-9999 cannot be stored."""
    value = data.get("deadline")
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        return []
    try:
        deadline = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except OverflowError:
        return [BadField("deadline", "date_time")]
    except ValueError:
        return []
    return [] if deadline > now else [BadField("deadline", "future")]


def given(data: Mapping[str, Any], *names: str) -> list[str]:
    """Which of the fields are there and not null."""
    return [name for name in names if data.get(name) is not None]
