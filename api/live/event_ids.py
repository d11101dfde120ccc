"""`Last-Event-ID`: the place after which a client goes on."""

from __future__ import annotations

from api.deps import Deps
from api.errors import invalid
from api.rules import BadField


def event_number(text: str) -> int | None:
    """The number of an event id, None for what cannot be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


async def checked_event_id(deps: Deps, account_id: str, text: str) -> int | None:
    """The id as a number, None for "". Raises `ApiError` 400 for one the account never got, 503 when that cannot be told."""
    if not text:
        return None
    number = event_number(text)
    if number is None:
        raise invalid(BadField("Last-Event-ID", "type", {"expected": "an integer"}))
    if not await deps.reads.ever_issued(account_id, number):
        raise invalid(BadField("Last-Event-ID", "issued"))
    return number
