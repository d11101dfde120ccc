"""The `Range` header for one range of bytes (RFC 9110 section 14)."""

from __future__ import annotations

import re

from api.errors import ApiError

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """(start, end) with `end` exclusive, or None for the whole object.

    A header of another unit or with several ranges is ignored, as the RFC allows. Raises `ApiError`
    "range_not_satisfiable" when the range lies outside the `size` bytes.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not (match[1] or match[2]):
        return None
    if match[1] and match[2] and int(match[1]) > int(match[2]):
        return None
    if not match[1]:
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
    if start >= end:
        raise ApiError("range_not_satisfiable", headers={"Content-Range": f"bytes */{size}"})
    return start, end
