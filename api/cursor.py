"""Opaque cursors of lists: URL-safe base64 of the position the next page starts after."""

from __future__ import annotations

import base64
import binascii

from api.errors import invalid
from api.rules import BadField

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


def encode_cursor(position: str) -> str:
    """A position as clients see it; they hand it back unread."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """The position of a cursor, None without one. Raises a 400 that names `cursor` when no list gave it out."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = raw.decode()
    except (binascii.Error, ValueError) as error:
        raise invalid(BadField("cursor", "cursor")) from error
    if not position or encode_cursor(position) != cursor:
        raise invalid(BadField("cursor", "cursor"))
    return position


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
