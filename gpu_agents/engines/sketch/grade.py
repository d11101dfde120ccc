"""The last pass: tone curve, mood tint, style, paper grain and vignette; from light (float) to display (uint8)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from gpu_agents.engines.sketch.palette import Palette
from gpu_agents.engines.sketch.svg import Pixels

Float = npt.NDArray[Any]
_LUMA = np.array([[0.2126, 0.7152, 0.0722]], np.float32)


def grade(picture: Float, pal: Palette, style: str, seed: int) -> Pixels:
    """(h, w, 3) light in 0-1 and above to uint8 RGB."""
    height, width = picture.shape[:2]
    picture *= _vignette(height, width, pal.vignette)[..., None]
    picture += _paper(height, width, seed)[..., None]
    shown = np.clip(picture, 0, 1.25)
    shown = np.where(shown > 0.8, 0.8 + 0.2 * np.tanh((shown - 0.8) / 0.2), shown)  # soft shoulder instead of clipping
    shown = (shown - 0.5) * pal.contrast + 0.5 + pal.lift
    grey = shown @ _LUMA[0]
    dark, light = np.array(pal.tint_dark, np.float32) - 0.5, np.array(pal.tint_light, np.float32) - 0.5
    weight = np.clip(grey, 0, 1)[..., None]
    shown = shown + (1 - weight) * weight * 0.9 * dark + weight * 0.35 * light
    if pal.vivid != 1.0:
        shown = grey[..., None] + (shown - grey[..., None]) * (0.5 + 0.5 * pal.vivid)
    shown = _styled(shown.astype(np.float32), style)
    return np.asarray(np.clip(shown * 255 + 0.5, 0, 255), dtype=np.uint8)


def _styled(shown: Float, style: str) -> Float:
    grey = shown @ _LUMA[0]
    match style:
        case "noir":
            return np.asarray(np.repeat(np.clip((grey - 0.36) * 1.2 + 0.36, 0, 1)[..., None], 3, axis=2))
        case "sepia":
            return np.asarray(
                grey[..., None] * np.array([1.06, 0.9, 0.68], np.float32) + np.array([0.06, 0.04, 0.02], np.float32)
            )
        case "ink":
            paper = np.array([0.96, 0.935, 0.875], np.float32)
            low, high = np.percentile(grey[::8, ::8], (1, 92))
            wash = np.clip((grey - low) / max(0.05, float(high - low)), 0, 1)[..., None] ** 0.85
            return np.asarray((0.08 + 0.92 * wash) * paper * 0.88 + shown * 0.12)
        case "watercolour":
            smooth = cv2.bilateralFilter(np.clip(shown, 0, 1), 7, 0.12, 5)
            edges = np.clip(np.abs(cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 1.6), cv2.CV_32F)) * 3, 0, 0.25)
            return np.asarray(np.clip(smooth * 0.86 + 0.14, 0, 1) - edges[..., None] * 0.5)
        case "comic":
            levels = np.round(np.clip(shown, 0, 1) * 9) / 9
            edges = np.clip(np.abs(cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 1.1), cv2.CV_32F)) * 7 - 0.12, 0, 1)
            return np.asarray((levels * 0.7 + shown * 0.3) * (1 - edges[..., None] * 0.8))
        case _:
            return shown


def _vignette(height: int, width: int, strength: float) -> Float:
    rows, columns = np.ogrid[:height, :width]
    x, y = (columns / width - 0.5) * 2, (rows / height - 0.5) * 2
    return (1 - strength * np.clip((x * x + y * y) / 2 - 0.18, 0, 1) * 0.85).astype(np.float32)


def _paper(height: int, width: int, seed: int) -> Float:
    """Tooth of the paper: coarse and fine noise of a few grey levels."""
    chance = np.random.Generator(np.random.PCG64(seed & 0xFFFFFFFF))
    fine = cv2.resize(
        chance.standard_normal((height // 2, width // 2), dtype=np.float32),
        (width, height),
        interpolation=cv2.INTER_LINEAR,
    )
    coarse = cv2.resize(
        chance.standard_normal((height // 16, width // 16), dtype=np.float32),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    return np.asarray(fine * np.float32(0.008) + coarse * np.float32(0.007))
