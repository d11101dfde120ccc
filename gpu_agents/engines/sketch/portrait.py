"""Puts a character's cut-out portrait into the frame: sized by the camera, lit like the scene, on a drawn body."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from gpu_agents.engines.sketch.colour import RGB, mix
from gpu_agents.engines.sketch.palette import Palette
from gpu_agents.engines.sketch.svg import Pixels
from schemas.errors import RenderError

Float = npt.NDArray[Any]
CROWN_TO_SHOULDER = 0.33  # metres
BUST_HEIGHT = 0.62  # metres; the most that a head-and-shoulders picture may stand for


def load_cutout(path: Path) -> Pixels:
    """The portrait (RGBA uint8) cropped to what is opaque. Raises `RenderError` if it is no picture or empty."""
    try:
        with Image.open(path, formats=["PNG", "WEBP", "JPEG"]) as picture:
            pixels = np.asarray(picture.convert("RGBA"))
    except (OSError, ValueError) as error:
        raise RenderError(f"the portrait {path.name} cannot be read: {error}", code="bad_portrait") from error
    rows, columns = np.where(pixels[..., 3] > 40)
    if rows.size < 64:
        raise RenderError(f"the portrait {path.name} has no opaque part", code="bad_portrait")
    return pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def is_full_figure(cutout: Pixels) -> bool:
    """A standing person is more than twice as high as wide; anything else is taken for head and shoulders."""
    return bool(cutout.shape[0] > 2.1 * cutout.shape[1])


def shoulder_row(cutout: Pixels) -> float:
    """Share of the height (0-1) at which the shoulders begin: where the outline widens clearly below the head."""
    widths = (cutout[..., 3] > 100).sum(axis=1).astype(np.float64)
    rows = len(widths)
    head = float(np.percentile(widths[: max(2, rows // 2)], 90))
    wide = np.flatnonzero(widths[rows // 3 :] > 1.25 * head)
    return float((wide[0] + rows // 3) / rows) if wide.size else 0.8


def cutout_metres(cutout: Pixels) -> float:
    """Height that the cut-out stands for: a full figure 1.72 m, else crown to shoulder takes 0.33 m."""
    if is_full_figure(cutout):
        return 1.72
    return float(min(BUST_HEIGHT, CROWN_TO_SHOULDER / max(0.45, shoulder_row(cutout))))


def bottom_width(cutout: Pixels) -> float:
    """Width of the lowest tenth as a share of the cut-out's height."""
    low = cutout[-max(1, cutout.shape[0] // 10) :, :, 3] > 100
    return float(low.sum(axis=1).max() / cutout.shape[0])


def clothes_colour(cutout: Pixels) -> RGB:
    """Mean colour of the opaque pixels in the lowest sixth, for the drawn body below."""
    low = cutout[-max(1, cutout.shape[0] // 6) :]
    opaque = low[low[..., 3] > 128]
    if opaque.size == 0:
        return 0.4, 0.42, 0.5
    red, green, blue = (float(value) / 255 for value in opaque[:, :3].mean(axis=0))
    return red, green, blue


def place(
    picture: Float, cutout: Pixels, top: tuple[float, float], height: float, pal: Palette, light_side: float
) -> None:
    """Blend the cut-out into `picture` (h, w, 3 in 0-1) in place; `top` = its upper middle, `height` in pixels.

    The light multiplies colours at half strength, so that the face stays recognisable; a rim on the lit edge ties it in.
    """
    size = (max(2, round(cutout.shape[1] * height / cutout.shape[0])), max(2, round(height)))
    smaller = size[1] < cutout.shape[0]
    premultiplied: Float = cutout.astype(np.float32) / 255
    premultiplied[..., :3] = premultiplied[..., :3] * premultiplied[..., 3:]
    scaled = cv2.resize(premultiplied, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    alpha = np.clip(scaled[..., 3], 0, 1)
    colour = np.clip(scaled[..., :3] / np.maximum(alpha, 1e-3)[..., None], 0, 1)
    if not is_full_figure(cutout):
        fade = max(2, size[1] // 7)
        alpha[-fade:] = alpha[-fade:] * np.linspace(1, 0, fade, dtype=np.float32)[:, None] ** 0.7
    _blend(picture, _lit(colour, alpha, pal, light_side), alpha, round(top[0] - size[0] / 2), round(top[1]))


def _lit(colour: Float, alpha: Float, pal: Palette, light_side: float) -> Float:
    width = alpha.shape[1]
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None] * light_side
    key, shadow = np.array(pal.key, np.float32), np.array(pal.shadow, np.float32)
    light = shadow + (key - shadow) * (0.72 + 0.28 * across)
    lit = colour * (0.5 + 0.5 * light)
    haze = np.array(pal.haze, np.float32)
    lit = lit * 0.96 + haze * 0.04
    return np.asarray(np.clip(lit + rim_light(alpha, pal, light_side), 0, 1), dtype=np.float32)


def rim_light(alpha: Float, pal: Palette, light_side: float, width: float = 0.012) -> Float:
    """Light (h, w, 3) to add along the lit edge of a shape with coverage `alpha`; `width` in shares of its height."""
    height = alpha.shape[0]
    soft = cv2.GaussianBlur(alpha, (0, 0), max(1.0, height * width))
    moved = np.roll(soft, -int(light_side) * int(max(1, round(height * width))), axis=1)
    rim = np.clip(alpha - moved, 0, 1) * (0.9 if pal.name in ("backlit", "golden_hour", "neon", "night") else 0.45)
    glow = np.array(mix(pal.sun, pal.accent, 0.6 if pal.name == "neon" else 0.1), np.float32)
    return np.asarray(rim[..., None] * glow * alpha[..., None], dtype=np.float32)


def _blend(picture: Float, colour: Float, alpha: Float, left: int, top: int) -> None:
    height, width = alpha.shape
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(picture.shape[1], left + width), min(picture.shape[0], top + height)
    if x1 <= x0 or y1 <= y0:
        return
    part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    mask = alpha[part][..., None]
    picture[y0:y1, x0:x1] = picture[y0:y1, x0:x1] * (1 - mask) + colour[part] * mask
