"""Which size a model draws at, given the size a picture shall have. Pure."""

from __future__ import annotations


def drawing_size(width: int, height: int, long_side: int, multiple: int) -> tuple[int, int]:
    """Pixels in multiples of `multiple`, of nearly the same shape, at most `long_side` (0 = any) on the long side.

    Models that are asked for much more than they were trained for repeat their subject, so larger pictures are drawn
    smaller and scaled up afterwards.
    """
    scale = min(1.0, long_side / max(width, height)) if long_side else 1.0
    return _rounded(width * scale, multiple), _rounded(height * scale, multiple)


def _rounded(side: float, multiple: int) -> int:
    return max(multiple, round(side / multiple) * multiple)
