"""Rain, snow, fog, lightning and things carried by the wind, as pixels over the finished drawing."""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from gpu_agents.engines.sketch.colour import RGB, mix, rgb
from gpu_agents.engines.sketch.stage import Stage

Float = npt.NDArray[Any]


def apply(stage: Stage, picture: Float) -> None:
    """Draw the weather of the brief into `picture` (h, w, 3 in 0-1) in place. Indoors only what hangs in the air."""
    brief = stage.brief
    if brief.indoors or brief.place == "cave":
        _motes(stage, picture)
        return
    if brief.place == "space":
        return
    if "fog" in brief.weather or brief.mood == "mysterious":
        _fog(stage, picture, 0.5 if "fog" in brief.weather else 0.28)
    if "storm" in brief.weather:
        _lightning(stage, picture)
    if "rain" in brief.weather:
        _rain(stage, picture, heavy="storm" in brief.weather)
    if "snow" in brief.weather:
        _snow(stage, picture, 2 if "wind" in brief.weather or "storm" in brief.weather else 1)
    if ("wind" in brief.weather and "snow" not in brief.weather) or brief.mood == "romantic":
        _petals(stage, picture)
    if (
        stage.pal.dark
        and not brief.weather
        and brief.place in ("forest", "bamboo", "field", "lake", "river", "village")
    ):
        _fireflies(stage, picture)


def _screen(picture: Float, mask: Float, colour: RGB, strength: float) -> None:
    picture += (mask * strength)[..., None] * (np.array(colour, np.float32) - picture)


def _fog(stage: Stage, picture: Float, strength: float) -> None:
    height, width = picture.shape[:2]
    seed = stage.rng("fog").randrange(2**32)
    chance = np.random.Generator(np.random.PCG64(seed))
    field = np.zeros((height // 4, width // 4), np.float32)
    for size, weight in ((4, 0.5), (9, 0.3), (20, 0.2)):
        noise = chance.random((max(2, size // 2), size), dtype=np.float32)
        field += weight * cv2.resize(noise, (width // 4, height // 4), interpolation=cv2.INTER_CUBIC)
    rows = np.arange(height // 4, dtype=np.float32)[:, None] * 4
    centre = min(height * 0.75, max(height * 0.35, stage.view.horizon))
    band = np.exp(-(((rows - centre) / (height * 0.3)) ** 2))
    mask = cv2.resize(
        np.clip(field * 1.5 - 0.2, 0, 1) * (0.35 + 0.65 * band), (width, height), interpolation=cv2.INTER_LINEAR
    )
    _screen(picture, mask, mix(stage.pal.haze, stage.pal.sky[2], 0.4), strength)


def _rain(stage: Stage, picture: Float, heavy: bool) -> None:
    height, width = picture.shape[:2]
    rng = stage.rng("rain")
    wind = rng.uniform(0.08, 0.2) * rng.choice((-1, 1)) * (1.8 if heavy else 1)
    for count, length, weight, thick in ((520, 0.035, 0.22, 1), (260, 0.075, 0.32, 1), (70, 0.15, 0.34, 2)):
        mask = np.zeros((height, width), np.uint8)
        for _ in range(int(count * (1.7 if heavy else 1))):
            x, y = rng.uniform(-0.1, 1.1) * width, rng.uniform(-0.1, 1) * height
            reach = length * height * rng.uniform(0.6, 1.2)
            start, end = (int(x * 16), int(y * 16)), (int((x + wind * reach) * 16), int((y + reach) * 16))
            cv2.line(mask, start, end, rng.randint(90, 255), thick, cv2.LINE_AA, shift=4)
        soft = cv2.blur(mask, (1, 5)).astype(np.float32) / 255
        _screen(picture, soft, mix(stage.pal.haze, (0.95, 0.97, 1.0), 0.65), weight * 1.6)
    ground = int(max(stage.view.horizon, height * 0.3))
    mask = np.zeros((height, width), np.uint8)
    for _ in range(150):
        y = rng.uniform(ground, height)
        t = (y - ground) / max(1, height - ground)
        axes = (max(1, int(height * 0.012 * t)), max(1, int(height * 0.004 * t)))
        cv2.ellipse(mask, (int(rng.random() * width), int(y)), axes, 0, 0, 360, rng.randint(60, 180), 1, cv2.LINE_AA)
    _screen(picture, mask.astype(np.float32) / 255, (0.92, 0.96, 1.0), 0.5)


def _dots(
    stage: Stage, label: str, shape: tuple[int, int], count: int, sizes: tuple[float, float], blur: float = 0.0
) -> Float:
    height, width = shape
    rng = stage.rng(label)
    mask = np.zeros(shape, np.uint8)
    for _ in range(count):
        centre = (int(rng.random() * width * 16), int(rng.random() * height * 16))
        cv2.circle(
            mask,
            centre,
            max(8, int(rng.uniform(*sizes) * height * 16)),
            rng.randint(120, 255),
            -1,
            cv2.LINE_AA,
            shift=4,
        )
    if blur:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), blur * height), dtype=np.uint8)
    return mask.astype(np.float32) / 255


def _snow(stage: Stage, picture: Float, level: int) -> None:
    shape = picture.shape[:2]
    white = mix(stage.pal.tone(rgb("#ffffff"), 0.0, 0.9), (1.0, 1.0, 1.0), 0.35)
    for label, count, sizes, blur, weight in (
        ("far", 420, (0.0008, 0.0018), 0.0, 0.65),
        ("mid", 200, (0.002, 0.004), 0.0012, 0.8),
        ("near", 30, (0.006, 0.013), 0.005, 0.6),
    ):
        _screen(picture, _dots(stage, f"snow-{label}", shape, count * level, sizes, blur), white, weight)


def _motes(stage: Stage, picture: Float) -> None:
    mask = _dots(stage, "motes", picture.shape[:2], 70, (0.0008, 0.0026), 0.0008)
    if stage.shafts:
        mask *= 1.6
    picture += (mask * 0.22)[..., None] * np.array(stage.pal.glow(), np.float32)


def _fireflies(stage: Stage, picture: Float) -> None:
    shape = picture.shape[:2]
    mask = _dots(stage, "fireflies", shape, 40, (0.0012, 0.0028))
    mask[: int(shape[0] * 0.4)] = 0
    halo = cv2.GaussianBlur(mask, (0, 0), shape[0] * 0.008) * 3
    picture += (mask * 0.9 + halo)[..., None] * np.array(rgb("#e6ff8a"), np.float32)


def _petals(stage: Stage, picture: Float) -> None:
    height, width = picture.shape[:2]
    rng = stage.rng("petals")
    pink = stage.brief.mood == "romantic" or any(word in stage.brief.text for word in ("花", "petal", "blossom"))
    local = rgb("#f5a9c0") if pink else rgb("#c98a3c")
    for size, count, blur in ((0.006, 60, 0.0), (0.011, 26, 0.0), (0.026, 7, 0.006)):
        mask = np.zeros((height, width), np.uint8)
        for _ in range(count):
            _petal(mask, rng, size)
        soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), blur * height)) if blur else mask
        _screen(picture, soft.astype(np.float32) / 255, stage.pal.tone(local, 0.0, 0.8), 0.9 if not blur else 0.6)


def _petal(mask: npt.NDArray[Any], rng: random.Random, size: float) -> None:
    height, width = mask.shape
    axes = (max(2, int(size * height)), max(1, int(size * height * rng.uniform(0.3, 0.6))))
    centre = (int(rng.random() * width), int(rng.random() * height))
    cv2.ellipse(mask, centre, axes, rng.uniform(0, 180), 0, 360, rng.randint(170, 255), -1, cv2.LINE_AA)


def _lightning(stage: Stage, picture: Float) -> None:
    height, width = picture.shape[:2]
    rng = stage.rng("lightning")
    mask = np.zeros((height, width), np.uint8)
    x = width * (0.5 - stage.view.side * rng.uniform(0.12, 0.35))
    end = max(height * 0.35, min(stage.view.horizon, height * 0.8))
    _bolt(mask, rng, (x, 0.0), end, max(2, height // 300), 3)
    core = mask.astype(np.float32) / 255
    wide = cv2.GaussianBlur(core, (0, 0), height * 0.02) * 5
    flash = (
        cv2.GaussianBlur(
            cv2.resize(core, (width // 8, height // 8), interpolation=cv2.INTER_AREA), (0, 0), height * 0.025
        )
        * 14
    )
    wide = wide + cv2.resize(flash, (width, height), interpolation=cv2.INTER_LINEAR)
    picture += np.clip(wide, 0, 0.38)[..., None] * np.array(rgb("#b9c8ff"), np.float32)
    _screen(picture, core, (1.0, 1.0, 1.0), 1.0)


def _bolt(
    mask: npt.NDArray[Any], rng: random.Random, start: tuple[float, float], end: float, thick: int, forks: int
) -> None:
    x, y = start
    step = mask.shape[0] * 0.03
    while y < end:
        nx, ny = x + rng.uniform(-1, 1) * step * 0.9, y + step * rng.uniform(0.6, 1.2)
        cv2.line(mask, (int(x), int(y)), (int(nx), int(ny)), 255, thick, cv2.LINE_AA)
        if forks and rng.random() < 0.22:
            _bolt(
                mask, rng, (nx, ny), min(end, ny + mask.shape[0] * rng.uniform(0.1, 0.25)), max(1, thick - 1), forks - 1
            )
        x, y = nx, ny
