"""Building blocks of landscapes: ridges, ground, paths, rows of trees, water surfaces."""

from __future__ import annotations

import random
from collections.abc import Callable

from gpu_agents.engines.sketch import flora
from gpu_agents.engines.sketch.colour import RGB, mix, rgb
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point
from gpu_agents.engines.sketch.terrain import fractal_line

ROCK = rgb("#77757c")
SNOW = rgb("#f3f7fd")
SAND = rgb("#dcb583")
EARTH = rgb("#8a6f52")

Planter = Callable[[Canvas, random.Random, Point, float, float], None]


def ground(
    stage: Stage, colour: RGB, canvas: Canvas | None = None, top: float | None = None, far_depth: float = 0.85
) -> None:
    """The plane from the horizon to the lower edge, hazy at the horizon, with soft uneven patches."""
    view, pal = stage.view, stage.pal
    canvas = canvas or stage.middle
    top = view.horizon if top is None else top
    near, mid, far = pal.tone(colour, 0.0, 0.5), pal.tone(colour, 0.25, 0.75), pal.tone(colour, far_depth, 0.8)
    rng = stage.rng("ground")
    edge = fractal_line(rng, 40, 3, 4)
    wave = view.height * 0.012
    skyline = [(view.width * i / 39, top - wave * float(edge[i])) for i in range(40)]
    fill = canvas.linear((0, top), (0, view.height), [(0.0, far, 1.0), (0.22, mid, 1.0), (1.0, near, 1.0)])
    canvas.polygon([*skyline, (view.width, view.height), (0, view.height)], fill)
    for _ in range(26):
        t = rng.random() ** 0.7
        y = top + (view.height - top) * (0.04 + 0.96 * t)
        half = view.width * rng.uniform(0.06, 0.24) * (0.35 + t)
        shade = pal.tone(colour, 0.3 * (1 - t), rng.choice((0.25, 0.95)))
        canvas.ellipse(
            rng.random() * view.width, y, half, half * rng.uniform(0.05, 0.1) * (0.5 + view.eye / 8), shade, 0.16
        )


def path(stage: Stage, colour: RGB, width: float = 1.6, wander: float = 3.0, start: float = 0.0) -> None:
    """A winding way from the eye to the horizon, `width` metres wide."""
    view, rng = stage.view, stage.rng("path")
    bends = fractal_line(rng, 24, 2.5, 3)
    left, right = [], []
    for i in range(24):
        z = max(0.8, view.eye * 0.9) * 1.25**i
        x = start * (1 - i / 24) + (float(bends[i]) - 0.5) * wander * (z / 12) ** 0.85
        left.append(view.at(x - width / 2, 0, z))
        right.append(view.at(x + width / 2, 0, z))
    near, far = stage.pal.tone(colour, 0.0, 0.75), stage.pal.tone(colour, 0.8, 0.8)
    fill = stage.middle.linear(
        (0, view.horizon), (0, view.height), [(0.0, far, 0.75), (0.4, near, 0.9), (1.0, near, 0.95)]
    )
    stage.middle.blob([*left, *reversed(right)], fill)


def scatter(
    stage: Stage,
    label: str,
    count: int,
    plant: Planter,
    near: float,
    far: float,
    tall: tuple[float, float],
    canvas: Canvas | None = None,
    spread: float = 1.1,
    keep_clear: bool = True,
) -> None:
    """Plant `count` things between two depths (metres), far ones first; `tall` = range of heights in metres."""
    view, rng = stage.view, stage.rng(label)
    canvas = canvas or stage.middle
    low, high = stage.clear
    depths = sorted((near * (far / near) ** rng.random() for _ in range(count)), reverse=True)
    for z in depths:
        half = view.width / 2 / view.scale(z) * spread
        x = rng.uniform(-half, half)
        if (
            keep_clear
            and z < view.figure_depth * 4
            and low * z / view.figure_depth - 1 < x < high * z / view.figure_depth + 1
        ):
            x += half * 0.8 * (1 if x > (low + high) / 2 else -1)
        foot = view.at(x, 0, z)
        plant(canvas, rng, foot, rng.uniform(*tall) * view.scale(z), stage.depth(z))


def tree_line(
    stage: Stage, label: str, base: float, height: float, depth: float, kind: str = "pine", canvas: Canvas | None = None
) -> None:
    """A distant wood as one silhouette, cheap and dense."""
    view, rng, pal = stage.view, stage.rng(label), stage.pal
    canvas = canvas or stage.back
    top = fractal_line(rng, 60, 4, 3)
    points: list[Point] = []
    x = -height * 0.2
    while x < view.width + height * 0.3:
        level = float(top[min(59, max(0, int(x / view.width * 59)))])
        tall = height * (0.45 + 0.55 * level) * rng.uniform(0.75, 1.1)
        if kind == "pine":
            half = tall * 0.16
            points += [(x, base - tall * 0.35), (x + half, base - tall), (x + 2 * half, base - tall * 0.35)]
            x += 2 * half
        else:
            half = tall * 0.3
            points += [
                (x, base - tall * 0.6),
                (x + half * 0.5, base - tall * 0.92),
                (x + half, base - tall),
                (x + half * 1.5, base - tall * 0.88),
            ]
            x += 2 * half
    local = flora.PINE if kind == "pine" else flora.LEAF
    colour, foot = pal.tone(local, depth, 0.35), mix(pal.tone(local, depth, 0.5), pal.haze, 0.55)
    fill = canvas.linear((0, base - height), (0, base), [(0.0, colour, 1.0), (1.0, foot, 1.0)])
    outline = [*points, (view.width + 9, base + 3), (-9.0, base + 3)]
    if kind == "pine":
        canvas.polygon(outline, fill)
    else:
        canvas.blob(outline, fill)


def tufts(stage: Stage, label: str, count: int, colour: RGB, size: float = 0.35, canvas: Canvas | None = None) -> None:
    """Grass over the near ground, sized by distance; `size` in metres."""
    view, rng, pal = stage.view, stage.rng(label), stage.pal
    canvas = canvas or stage.middle
    rows = sorted(view.horizon + (view.height * 1.02 - view.horizon) * rng.random() ** 0.8 for _ in range(count))
    for y in rows:
        z = view.depth_of(y)
        pixels = size * view.scale(z)
        if pixels < 1.5:
            continue
        shade = pal.tone(colour, stage.depth(z), rng.choice((0.3, 0.6, 0.95)))
        flora.grass(canvas, rng, (rng.random() * view.width, y), min(pixels, view.height * 0.08), shade)


def mist(stage: Stage, y: float, thickness: float, strength: float = 0.5, canvas: Canvas | None = None) -> None:
    """A band of haze around row y."""
    canvas = canvas or stage.back
    haze = mix(stage.pal.haze, stage.pal.sky[2], 0.3)
    stops = [(0.0, haze, 0.0), (0.5, haze, strength), (1.0, haze, 0.0)]
    canvas.rect(
        0, y - thickness, stage.view.width, 2 * thickness, canvas.linear((0, y - thickness), (0, y + thickness), stops)
    )


def rocks(
    stage: Stage, label: str, count: int, near: float, far: float, size: tuple[float, float], colour: RGB = ROCK
) -> None:
    """Boulders with a lit and a dark face."""

    def plant(canvas: Canvas, rng: random.Random, foot: Point, height: float, depth: float) -> None:
        x, y = foot
        w = height * rng.uniform(1.1, 1.8)
        top = [
            (x - w * 0.5, y),
            (x - w * 0.42, y - height * 0.5),
            (x - w * 0.1, y - height),
            (x + w * 0.25, y - height * 0.85),
            (x + w * 0.5, y - height * 0.3),
            (x + w * 0.55, y),
        ]
        canvas.polygon(top, stage.pal.tone(colour, depth, 0.25))
        canvas.polygon(
            [top[1], top[2], top[3], (x + w * 0.1, y - height * 0.5), (x - w * 0.2, y - height * 0.35)],
            stage.pal.tone(colour, depth, 0.85),
        )
        canvas.polygon(
            [top[3], top[4], top[5], (x + w * 0.15, y), (x + w * 0.1, y - height * 0.5)],
            stage.pal.tone(colour, depth, 0.5),
        )

    scatter(stage, label, count, plant, near, far, size)
