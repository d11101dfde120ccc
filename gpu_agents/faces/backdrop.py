"""A plain backdrop gives the outline away: around the head it is keyed out by its colour, finer than grabCut sees it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from msgspec import Struct

Pixels = npt.NDArray[Any]
Box = tuple[float, float, float, float]

_PLAIN = 7  # levels around the median within which a plain backdrop lies
_SAME = 9  # levels within which a pixel counts as backdrop
_SMALLEST = 0.0003  # share of the photo; smaller specks of the backdrop's colour belong to the person


class _Key(Struct, frozen=True):
    """Backdrop colour and the pixels that show it around the head."""

    colour: Pixels
    region: Pixels  # uint8, 1 = backdrop


def key_out(rgb: Pixels, alpha: Pixels, box: Box) -> tuple[Pixels, Pixels]:
    """Colours and alpha without a plain backdrop around and between the hair; a lively backdrop changes nothing.

    `rgb` (h, w, 3) and `alpha` (h, w) uint8, `box` = x, y, w, h of the face in pixels. Only rows above the collar are
    touched (clothes may have the backdrop's colour), and no highlight of the face itself.
    """
    key = _find(rgb, box)
    if key is None:
        return rgb, alpha
    reach = max(2, round(max(rgb.shape[:2]) / 400))
    rim = cv2.dilate(key.region, _disc(reach)) > 0
    rim[_collar(box) :] = False
    person, known = _colour_beside(rgb, cv2.dilate(key.region, _disc(reach)) == 0, 1.6 * reach)
    offset = rgb.astype(np.float32) - key.colour
    span = person - key.colour
    share = (offset * span).sum(axis=2) / np.maximum((span * span).sum(axis=2), 1.0)
    share = np.where(known, share, np.abs(offset).max(axis=2) / 64)
    keyed = np.where(key.region > 0, 0, np.clip(share * 1.1 - 0.05, 0, 1))
    generous = cv2.dilate(alpha, _disc(2 * reach))  # grabCut saw a small copy: its edge may lie a few pixels inside
    shown = np.where(rim, np.minimum(keyed * 255, generous), alpha)
    colours = np.where((rim & known)[..., None], person, rgb)
    return np.clip(colours + 0.5, 0, 255).astype(np.uint8), shown.astype(np.uint8)


def _find(rgb: Pixels, box: Box) -> _Key | None:
    height, width = rgb.shape[:2]
    collar, edge, top = _collar(box), max(2, width // 40), max(2, int(box[1] * 0.25))
    border = np.concatenate(
        [part.reshape(-1, 3) for part in (rgb[:top], rgb[:collar, :edge], rgb[:collar, -edge:])]
    ).astype(np.float32)
    colour = np.median(border, axis=0).astype(np.float32)
    if (np.abs(border - colour).max(axis=1) < _PLAIN).mean() < 0.9:
        return None
    same = (np.abs(rgb.astype(np.float32) - colour).max(axis=2) < _SAME).astype(np.uint8)
    same[collar:] = 0
    same = cv2.morphologyEx(same, cv2.MORPH_OPEN, _disc(1))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(same, connectivity=4)
    area = stats[:, cv2.CC_STAT_AREA]
    facial = np.bincount(labels[_face(box, height, width) > 0], minlength=count)
    backdrop = (area >= _SMALLEST * height * width) & (2 * facial < area)
    backdrop[0] = False
    return _Key(colour, backdrop[labels].astype(np.uint8))


def _face(box: Box, height: int, width: int) -> Pixels:
    """The inner part of the face: what lies mostly here belongs to it, whatever its colour."""
    x, y, w, h = box
    axes = (max(1, int(w * 0.28)), max(1, int(h * 0.36)))
    return np.asarray(
        cv2.ellipse(np.zeros((height, width), np.uint8), (int(x + w / 2), int(y + h / 2)), axes, 0, 0, 360, 1, -1)
    )


def _collar(box: Box) -> int:
    return int(box[1] + box[3] * 1.3)


def _colour_beside(rgb: Pixels, sure: Pixels, sigma: float) -> tuple[Pixels, Pixels]:
    """Mean colour of the person's sure pixels nearby, and where there are any."""
    weight = sure.astype(np.float32)
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    colour = cv2.GaussianBlur(rgb.astype(np.float32) * weight[..., None], (0, 0), sigma)
    return colour / np.maximum(total, 1e-4)[..., None], total > 0.02


def _disc(radius: int) -> Pixels:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))
