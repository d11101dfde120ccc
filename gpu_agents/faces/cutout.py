"""The cut-out portrait: the person of the best photo without its background."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from gpu_agents.faces.backdrop import key_out
from gpu_agents.faces.face import Face

Rgba = npt.NDArray[Any]
MAX_HEIGHT = 768
_WORK_SIDE = 256  # grabCut runs at this size: 0.2 to 2 s
_ROUNDS = 4


def has_cutout(photo: Rgba) -> bool:
    """Whether the photo brings its own transparency: at least 5 % clear and 5 % opaque pixels."""
    alpha = photo[..., 3]
    return bool((alpha < 16).mean() > 0.05 and (alpha > 240).mean() > 0.05)


def cut_out(photo: Rgba, face: Face) -> Rgba:
    """RGBA at most 768 px high, cropped to the person. Own transparency wins; else grabCut started from
    the face's box, and a plain backdrop is keyed out between the hair.
    """
    colours, alpha = photo[..., :3], photo[..., 3]
    if not has_cutout(photo):
        colours, alpha = key_out(colours, _segment(photo, face), face.box)
    result = np.dstack([colours, alpha])
    rows, columns = np.flatnonzero((alpha > 24).any(axis=1)), np.flatnonzero((alpha > 24).any(axis=0))
    if rows.size and columns.size:
        result = result[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = result.shape[:2]
    if height > MAX_HEIGHT:
        result = cv2.resize(
            result, (max(1, round(width * MAX_HEIGHT / height)), MAX_HEIGHT), interpolation=cv2.INTER_AREA
        )
    return np.asarray(result, dtype=np.uint8)


def _segment(photo: Rgba, face: Face) -> npt.NDArray[Any]:
    height, width = photo.shape[:2]
    scale = _WORK_SIDE / max(height, width)
    small = cv2.resize(
        photo[..., :3], (max(8, round(width * scale)), max(8, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    small = _grainy(small)
    mask = _prior(small.shape[0], small.shape[1], tuple(value * scale for value in face.box))
    cv2.setRNGSeed(1)  # grabCut starts its mixtures by k-means
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, mask, (0, 0, 1, 1), background, foreground, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    person = _largest(np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8))
    soft = cv2.GaussianBlur(person * np.uint8(255), (0, 0), 1.1)
    full = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip((full.astype(np.float32) - 64) * 1.6, 0, 255), dtype=np.uint8)


def _grainy(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The picture with a fixed grain of 2 levels: the minimum cut of evenly coloured areas would take 20 times as long."""
    grain = np.random.default_rng(1).integers(-2, 3, picture.shape, dtype=np.int16)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def _prior(height: int, width: int, box: tuple[float, ...]) -> npt.NDArray[Any]:
    """Face surely person, head and shoulders below it probably, the upper border surely background."""
    x, y, w, h = box
    mask = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    centre = (int(x + w / 2), int(y + h / 2))
    cv2.ellipse(mask, centre, (max(1, int(w * 0.8)), max(1, int(h * 0.95))), 0, 0, 360, int(cv2.GC_PR_FGD), -1)
    top = int(y + h * 0.95)
    cv2.rectangle(mask, (int(x - w * 0.7), top), (int(x + w * 1.7), height), int(cv2.GC_PR_FGD), -1)
    edge = max(2, width // 40)
    mask[: max(1, int(y * 0.25)), :] = cv2.GC_BGD
    mask[: min(height, top), :edge] = cv2.GC_BGD
    mask[: min(height, top), -edge:] = cv2.GC_BGD
    cv2.ellipse(mask, centre, (max(1, int(w * 0.28)), max(1, int(h * 0.36))), 0, 0, 360, int(cv2.GC_FGD), -1)
    return mask


def _largest(mask: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The largest connected part, holes filled."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return mask
    best = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    part = (labels == best).astype(np.uint8)
    outlines, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(part, outlines, -1, 1, -1)
    return np.asarray(part)
