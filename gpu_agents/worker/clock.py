"""The agent's wall clock, in one place."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now in UTC."""
    return datetime.now(UTC)
