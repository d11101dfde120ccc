"""Mountain ranges: fractal skylines with lit and shaded sides."""

from __future__ import annotations

import random

import numpy as np

from gpu_agents.engines.sketch.colour import RGB, mix
from gpu_agents.engines.sketch.places.land import ROCK, SNOW
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point
from gpu_agents.engines.sketch.terrain import fractal_line, peaks


def ridge(
    stage: Stage,
    label: str,
    base: float,
    height: float,
    depth: float,
    colour: RGB = ROCK,
    waves: float = 3.0,
    roughness: float = 0.5,
    facets: bool = True,
    snow: bool = False,
    lift: float = 0.15,
) -> list[Point]:
    """A mountain range on row `base`, `height` px high, hazier towards its foot, sunny sides lit. Returns its skyline."""
    view, pal, canvas = stage.view, stage.pal, stage.back
    rng = stage.rng(label)
    count = 150 if roughness > 0.3 else 60
    line = fractal_line(rng, count, waves, 6 if roughness > 0.3 else 3, roughness)
    line = lift + (1 - lift) * line ** (1.3 if roughness > 0.3 else 1.0)
    points = [(view.width * (i / (count - 1) * 1.1 - 0.05), base - height * value) for i, value in enumerate(line)]
    body, foot = pal.tone(colour, depth, 0.4), mix(pal.tone(colour, min(1.5, depth + 0.35), 0.5), pal.haze, 0.35)
    fill = canvas.linear((0, base - height), (0, base), [(0.0, body, 1.0), (0.45, body, 1.0), (1.0, foot, 1.0)])
    canvas.polygon([*points, (view.width * 1.06, base + 4), (-view.width * 0.06, base + 4)], fill)
    if facets:
        _facets(stage, canvas, rng, points, base, height, depth, colour, snow)
    return points


def _facets(
    stage: Stage,
    canvas: Canvas,
    rng: random.Random,
    points: list[Point],
    base: float,
    height: float,
    depth: float,
    colour: RGB,
    snow: bool,
) -> None:
    pal = stage.pal
    sunward = -1 if stage.sun is None or stage.sun[0] < stage.view.width / 2 else 1
    heights = fractal_line(rng, 3, 1)  # keeps the stream moving even when no peak is found
    lit, dark = pal.tone(colour, depth, 0.95), pal.tone(colour, depth, 0.08 + 0.01 * float(heights[0]))
    for i in peaks(np.array([-y for _, y in points]), 4):
        x, y = points[i]
        drop = base - y
        if drop < height * 0.25:
            continue
        for side, shade in ((sunward, lit), (-sunward, dark)):
            edge = [points[k] for k in range(i, max(-1, min(len(points), i + side * 9)), side)]
            inner = [
                (x + side * drop * f * rng.uniform(0.02, 0.16), y + drop * f) for f in (0.75, 0.56, 0.4, 0.26, 0.12)
            ]
            inner.append((x, y))
            low = edge[-1]
            tip = (low[0] * 0.4 + inner[0][0] * 0.6, min(base, max(low[1], inner[0][1]) + drop * 0.08))
            fill = canvas.linear((0, y), (0, y + drop * 0.85), [(0.0, shade, 0.85), (1.0, shade, 0.0)])
            canvas.polygon([*edge, tip, *inner], fill)
        if snow:
            _snowcap(stage, canvas, rng, points, i, drop, depth, sunward)


def _snowcap(
    stage: Stage,
    canvas: Canvas,
    rng: random.Random,
    points: list[Point],
    i: int,
    drop: float,
    depth: float,
    sunward: int,
) -> None:
    x, y = points[i]
    for side in (-1, 1):
        edge = [points[k] for k in range(i, max(-1, min(len(points), i + side * 6)), side)]
        limit = y + drop * 0.34
        edge = [point for point in edge if point[1] < limit] or [(x, y)]
        teeth = [
            (
                edge[-1][0] + (x - edge[-1][0]) * t,
                edge[-1][1] + drop * (0.02 if k % 2 else 0.11) * rng.uniform(0.7, 1.3),
            )
            for k, t in enumerate((0.15, 0.3, 0.5, 0.7, 0.85))
        ]
        canvas.polygon(
            [*edge, *teeth, (x, y + drop * 0.12)], stage.pal.tone(SNOW, depth * 0.8, 0.95 if side == sunward else 0.35)
        )
