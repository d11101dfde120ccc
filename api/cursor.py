"""Opaque cursors of lists: URL-safe base64 of the place after which the next page starts."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from api.errors import invalid
from api.ports import Before
from api.rules import BadField
from schemas.ids import is_id

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


def encode_cursor(created_at: datetime, row_id: str) -> str:
    """The place of the last row of a page; clients hand it back unread."""
    text = f"{created_at.isoformat()}|{row_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> Before | None:
    """The place of a cursor, None without one. Raises a 400 that names `cursor` when no list gave it out."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        text, _, row_id = raw.decode().partition("|")
        created_at = datetime.fromisoformat(text)
        genuine = created_at.tzinfo is not None and is_id(row_id) and encode_cursor(created_at, row_id) == cursor
        place = created_at.astimezone(UTC)
    except (binascii.Error, ValueError, OverflowError) as error:
        raise invalid(BadField("cursor", "cursor")) from error
    if not genuine:
        raise invalid(BadField("cursor", "cursor"))
    return place, row_id


def parse_limit(text: str | None) -> int:
    """Page size, 1-100, 20 by default."""
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit()) or len(text) > 6:
        raise invalid(BadField("limit", "type", {"expected": "an integer"}))
    limit = int(text)
    if limit < 1:
        raise invalid(BadField("limit", "minimum", {"limit": 1}))
    if limit > MAX_LIMIT:
        raise invalid(BadField("limit", "maximum", {"limit": MAX_LIMIT}))
    return limit
