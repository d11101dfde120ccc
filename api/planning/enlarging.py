"""How large an upscaled film becomes. Pure."""

from __future__ import annotations

from schemas.common import Limits

FACTOR = 2.0  # of each side
MOST = 4096  # pixels a side that a film may have


def enlarged(width: int, height: int, limits: Limits) -> tuple[int, int] | None:
    """Twice the size in pixels each way, or as much as the account may have in either orientation; sides are even.

    None when the account may have nothing larger than `width` x `height`.
    """
    long, short = max(width, height), min(width, height)
    most_long, most_short = max(limits.max_width, limits.max_height), min(limits.max_width, limits.max_height)
    factor = min(FACTOR, most_long / long, most_short / short, MOST / long)
    size = _even(width * factor), _even(height * factor)
    return size if size[0] > width and size[1] > height else None


def _even(side: float) -> int:
    return int(side + 1e-6) // 2 * 2
