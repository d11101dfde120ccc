"""Points in time as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import overload

from schemas.errors import ConfigurationError

_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@overload
def moment(name: str, text: str, now: datetime) -> datetime: ...


@overload
def moment(name: str, text: None, now: datetime) -> None: ...


@overload
def moment(name: str, text: str | None, now: datetime) -> datetime | None: ...


def moment(name: str, text: str | None, now: datetime) -> datetime | None:
    """ISO 8601 (UTC unless it says otherwise), or how long ago: 90s, 15m, 2h, 7d. Raises `ConfigurationError`."""
    if text is None:
        return None
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{name} is {text!r}, it must be a time as in ISO 8601, or 90s, 15m, 2h, 7d") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
