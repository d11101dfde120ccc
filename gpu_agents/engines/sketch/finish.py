"""From flat drawing to picture: water mirror, lens blur, light shafts, bloom, grading, paper and vignette."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from gpu_agents.engines.sketch.colour import RGB, mix
from gpu_agents.engines.sketch.palette import Palette
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Pixels

Float = npt.NDArray[Any]


def to_float(layer: Pixels) -> Float:
    """Opaque layer to (h, w, 3) in 0-1."""
    return layer[..., :3].astype(np.float32) * np.float32(1 / 255)


def over(picture: Float, layer: Pixels, blur: float = 0.0) -> None:
    """Blend an RGBA layer over the picture in place, blurred by `blur` px (premultiplied, so edges keep their colour)."""
    if blur > 0.6:
        soft = layer.astype(np.float32) * np.float32(1 / 255)
        soft[..., :3] *= soft[..., 3:]
        soft = _fast_blur(soft, blur)
        picture *= 1 - soft[..., 3:]
        picture += soft[..., :3]
        return
    rows = np.flatnonzero(layer[..., 3].any(axis=1))
    if rows.size == 0:
        return
    part = np.s_[rows[0] : rows[-1] + 1]
    alpha = layer[part][..., 3:].astype(np.float32) * np.float32(1 / 255)
    picture[part] += alpha * (to_float(layer[part]) - picture[part])


def _fast_blur(pixels: Float, sigma: float) -> Float:
    """Gaussian blur; wide ones on a smaller copy."""
    if sigma < 3:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), dtype=np.float32)
    factor = 2 if sigma < 8 else 4
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / factor)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def blurred(picture: Float, sigma: float) -> Float:
    """The picture out of focus."""
    return _fast_blur(picture, sigma) if sigma > 0.6 else picture


def mirror(stage: Stage, picture: Float) -> None:
    """Reflect what is above the waterline below it, in place: rippled, blurred and mixed into the water's own colour."""
    if stage.water is None:
        return
    height, width = picture.shape[:2]
    line = int(stage.water)
    deep = height - line
    if line < 8 or deep < 8:
        return
    rng = np.random.Generator(np.random.PCG64(stage.rng("ripples").randrange(2**32)))
    t = (np.arange(deep, dtype=np.float32) / deep)[:, None]
    source = line - 1 - np.arange(deep, dtype=np.float32)[:, None] * min(1.0, line / deep)
    rough = 2.2 if stage.brief.weather & {"wind", "storm", "rain"} else 1.0
    small = rng.standard_normal((max(2, deep // 3), max(2, width // 40)), dtype=np.float32)
    ripple = cv2.resize(small, (width, deep), interpolation=cv2.INTER_LINEAR) * (0.6 + 7 * t) * rough * height / 800
    map_x = np.arange(width, dtype=np.float32)[None, :] + ripple * 1.6
    map_y = np.clip(source + ripple * 0.9, 0, line - 1)
    image = cv2.remap(picture[:line], map_x, map_y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    image = cv2.blur(image, (max(3, width // 120) | 1, 1))
    share = 0.78 - 0.42 * t[..., None]
    picture[line:] = picture[line:] * (1 - share) + image * share * 0.94
    if stage.sun is not None:
        _glitter(stage, picture[line:], t, small, stage.sun[0])


def _glitter(stage: Stage, water: Float, t: Float, small: Float, x: float) -> None:
    deep, width = water.shape[:2]
    sparks = cv2.resize(np.roll(small, 3, axis=0), (width, deep), interpolation=cv2.INTER_LINEAR)
    columns = np.arange(width, dtype=np.float32)[None, :]
    spread = width * (0.018 + 0.09 * t)
    column = np.exp(-(((columns - x) / spread) ** 2)) * (1 - 0.5 * t)
    mask = np.clip(sparks * 1.4 - 0.35, 0, 1) * column + 0.22 * column
    water += (
        mask[..., None]
        * np.array(stage.pal.sun, np.float32)
        * (0.75 if stage.pal.sun_height < 0.2 or stage.pal.dark else 0.4)
    )


def shafts(stage: Stage, picture: Float) -> None:
    """Light falling through windows, or rays from a low sun, added in place."""
    height, width = picture.shape[:2]
    mask = np.zeros((height // 4, width // 4), np.uint8)
    strength = 0.32
    for polygon in stage.shafts:
        cv2.fillPoly(mask, [(np.array(polygon, np.float32) / 4).astype(np.int32)], 150, cv2.LINE_AA)
    rays = stage.sun is not None and (
        stage.pal.name in ("golden_hour", "backlit", "dawn")
        or stage.brief.mood == "epic"
        or stage.brief.place == "cave"
    )
    if rays and stage.sun is not None and "rain" not in stage.brief.weather:
        _rays(stage, mask, stage.sun)
        strength = 0.36 if stage.pal.name == "backlit" else 0.24
    if not mask.any():
        return
    soft = cv2.GaussianBlur(mask, (0, 0), height / 160).astype(np.float32) / 255
    full = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    colour = np.array(mix(stage.pal.sun, stage.pal.haze, 0.25), np.float32)
    picture += (full * strength)[..., None] * colour


def _rays(stage: Stage, mask: npt.NDArray[Any], sun: tuple[float, float]) -> None:
    rng = stage.rng("rays")
    height, width = mask.shape
    x, y = sun[0] / 4, sun[1] / 4
    fan = np.zeros_like(mask)
    for _ in range(11):
        angle, spread = rng.uniform(0.06, 0.94) * np.pi, rng.uniform(0.012, 0.05)
        reach = (width + height) * rng.uniform(0.5, 0.8)
        ends = [(x + np.cos(a) * reach, y + np.sin(a) * reach) for a in (angle - spread, angle + spread)]
        ray = np.zeros_like(mask)
        cv2.fillPoly(ray, [np.array([(x, y), *ends], np.int32)], rng.randint(60, 150), cv2.LINE_AA)
        fan = cv2.add(fan, ray)
    rows, columns = np.ogrid[:height, :width]
    fall = np.exp(-np.hypot(columns - x, rows - y) / (height * 0.75))
    np.maximum(mask, (fan * fall).astype(np.uint8), out=mask)


def lamps(stage: Stage, picture: Float) -> None:
    """Halos of lamps, candles and lit windows, added in place on a quarter-size layer."""
    if not stage.lamps:
        return
    height, width = picture.shape[:2]
    small = np.zeros((height // 4, width // 4, 3), np.float32)
    for x, y, radius, colour in stage.lamps:
        _halo(small, x / 4, y / 4, max(1.5, radius / 4), colour)
    small = np.tanh(small)  # crowded lights do not add up to white
    picture += cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR) * (0.4 + 0.5 * stage.pal.lamps)


def _halo(layer: Float, x: float, y: float, radius: float, colour: RGB) -> None:
    reach = radius * 1.8
    x0, x1 = max(0, int(x - reach)), min(layer.shape[1], int(x + reach) + 2)
    y0, y1 = max(0, int(y - reach)), min(layer.shape[0], int(y + reach) + 2)
    if x1 <= x0 or y1 <= y0:
        return
    rows, columns = np.ogrid[y0:y1, x0:x1]
    distance = ((columns - x) ** 2 + (rows - y) ** 2) / radius**2
    fall = np.clip(np.exp(-distance * 2.4) * 0.55 + 0.4 * np.exp(-distance * 14) - 0.0004, 0, 1).astype(np.float32)
    layer[y0:y1, x0:x1] += fall[..., None] * np.array(colour, np.float32)


def bloom(picture: Float, pal: Palette) -> None:
    """Bright parts shine over their surroundings, in place."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    bright = np.clip(small - 0.68, 0, 1)
    wide = cv2.GaussianBlur(bright, (0, 0), height / 90) + 0.7 * cv2.GaussianBlur(bright, (0, 0), height / 28)
    picture += cv2.resize(wide, (width, height), interpolation=cv2.INTER_LINEAR) * np.float32(pal.bloom)


def rotated(picture: Float, degrees: float) -> Float:
    """The picture tilted about its middle and enlarged so that no corner is empty."""
    if not degrees:
        return picture
    height, width = picture.shape[:2]
    angle = abs(np.deg2rad(degrees))
    zoom = np.cos(angle) + np.sin(angle) * max(width / height, height / width)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, float(zoom))
    return np.asarray(
        cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    )
