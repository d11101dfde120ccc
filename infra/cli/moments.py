"""Points in time as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from schemas.errors import ConfigurationError

_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(name: str, text: str, now: datetime) -> datetime:
    """ISO 8601 (UTC unless it says otherwise), or how long ago: 90s, 15m, 2h, 7d. Raises `ConfigurationError`."""
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{name} is {text!r}, it must be a time as in ISO 8601, or 90s, 15m, 2h, 7d") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def bound(name: str, text: str | None, now: datetime) -> datetime | None:
    """The same for an option that may be left out."""
    return None if text is None else moment(name, text, now)
