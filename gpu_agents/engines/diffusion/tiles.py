"""A picture in overlapping tiles, enlarged one by one and blended: however large it is, a model needs the memory of a tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

OVERLAP = 8  # tiles share an eighth of their side with the next
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


def tile_boxes(width: int, height: int, side: int) -> list[Box]:
    """Boxes of at most `side` pixels each way that cover a picture, row by row; neighbours overlap by `side` // 8 at least."""
    across, down = min(side, width), min(side, height)
    return [(left, top, left + across, top + down) for top in _starts(height, side) for left in _starts(width, side)]


def enlarge_in_tiles(
    source: Image.Image, size: tuple[int, int], side: int, enlarge: Callable[[Image.Image, int], Image.Image]
) -> Image.Image:
    """The picture at `size`, from what `enlarge(tile, number)` makes of each tile, whatever factor that has.

    Each tile is brought to its place by Lanczos; where tiles overlap they fade into one another.
    """
    boxes = tile_boxes(*source.size, side)
    if len(boxes) == 1:
        return enlarge(source, 0).resize(size, Image.Resampling.LANCZOS)
    painted = np.zeros((size[1], size[0], 3), np.float32)
    weights = np.zeros((size[1], size[0], 1), np.float32)
    for number, box in enumerate(boxes):
        left, top, right, bottom = _placed(box, source.size, size)
        place = (right - left, bottom - top)
        made = enlarge(source.crop(box), number).convert("RGB").resize(place, Image.Resampling.LANCZOS)
        weight = np.outer(_ramp(place[1]), _ramp(place[0]))[..., None]
        painted[top:bottom, left:right] += np.asarray(made, np.float32) * weight
        weights[top:bottom, left:right] += weight
    return Image.fromarray(np.clip(np.rint(painted / weights), 0, 255).astype(np.uint8))


def _starts(length: int, side: int) -> Iterator[int]:
    """Where tiles begin along one side: the first at 0, the last so that it ends with the picture."""
    if length <= side:
        return iter([0])
    step = side - max(1, side // OVERLAP)
    count = -(-(length - side) // step) + 1
    return (round(number * (length - side) / (count - 1)) for number in range(count))


def _placed(box: Box, before: tuple[int, int], after: tuple[int, int]) -> Box:
    left, right = (round(edge * after[0] / before[0]) for edge in (box[0], box[2]))
    top, bottom = (round(edge * after[1] / before[1]) for edge in (box[1], box[3]))
    return left, top, right, bottom


def _ramp(length: int) -> np.ndarray:
    """Weights along one side of a tile: low at both ends, 1 beyond the overlap."""
    near = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1
    return np.minimum(1.0, near / max(1, length // OVERLAP)).astype(np.float32)
