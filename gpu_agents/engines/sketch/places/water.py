"""Landscapes with water: sea, lake, river."""

from __future__ import annotations

import random

from gpu_agents.engines.sketch import flora
from gpu_agents.engines.sketch.colour import mix, rgb
from gpu_agents.engines.sketch.places import land, nature, ridges, shores
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point
from gpu_agents.engines.sketch.terrain import fractal_line


def sea(stage: Stage) -> None:
    """Open water with headlands, breakers and a sandy shore with palms or rocks."""
    view, rng = stage.view, stage.rng("sea")
    ridges.ridge(stage, "headland", view.horizon + 2, view.far * 0.10, 0.85, rgb("#7b8794"), 1.4, 0.45, lift=0.0)
    shores.water(stage, rgb("#2f7d97"))
    _breakers(stage)
    shores.shore(stage, land.SAND, foam=True)
    if rng.random() < 0.6 and not stage.brief.structures and not stage.brief.weather & {"snow"}:
        land.scatter(
            stage,
            "palms",
            5,
            _palms(stage),
            max(4.0, view.figure_depth * 1.05),
            view.figure_depth * 1.2 + 3,
            (5, 8),
            spread=1.0,
        )
    land.rocks(stage, "rocks", 7, view.figure_depth * 0.9, view.figure_depth * 1.5, (0.2, 0.7))


def _palms(stage: Stage) -> land.Planter:
    def plant(canvas: Canvas, rng: random.Random, foot: Point, height: float, depth: float) -> None:
        flora.palm(canvas, rng, foot, height, stage.pal, depth)

    return plant


def _breakers(stage: Stage) -> None:
    view, rng, pal = stage.view, stage.rng("breakers"), stage.pal
    storm = bool(stage.brief.weather & {"storm", "wind"})
    white = mix(pal.tone(land.SNOW, 0.1, 0.9), pal.sky[2], 0.3)
    for _ in range(60 if storm else 26):
        y = view.horizon + (view.height - view.horizon) * rng.random() ** 1.6
        t = (y - view.horizon) / (view.height - view.horizon)
        half = view.width * (0.01 + 0.09 * t) * rng.uniform(0.6, 1.6)
        x = rng.random() * view.width
        lift = view.height * (0.002 + (0.02 if storm else 0.008) * t)
        stage.middle.stroke(
            [(x - half, y), (x - half * 0.3, y - lift), (x + half * 0.4, y - lift * 0.6), (x + half, y)],
            white,
            view.height * (0.0012 + 0.003 * t),
            0.35 + 0.3 * t,
        )


def lake(stage: Stage) -> None:
    """Mountains mirrored in still water, reeds and a wooden jetty."""
    view = stage.view
    nature.ranges(stage, tall=0.85)
    land.tree_line(stage, "far-shore", view.horizon + 3, view.far * 0.06, 0.42)
    shores.water(stage, rgb("#3d7184"))
    shores.shore(stage, rgb("#7a8f50"), foam=False)
    land.tufts(stage, "reeds", 90, rgb("#7f9a4c"), 0.4)
    _reeds(stage)
    if stage.brief.structures != ("bridge",):
        _jetty(stage)


def _reeds(stage: Stage) -> None:
    view, rng, pal = stage.view, stage.rng("reeds-front"), stage.pal
    for _ in range(34):
        x = view.width * rng.choice((rng.uniform(0, 0.22), rng.uniform(0.78, 1.0)))
        tall = view.height * rng.uniform(0.06, 0.17) * (0.4 + view.framing)
        lean = rng.uniform(-0.2, 0.2) * tall
        base = view.height * rng.uniform(0.93, 1.02)
        stage.middle.stroke(
            [(x, base), (x + lean * 0.3, base - tall * 0.6), (x + lean, base - tall)],
            pal.tone(rgb("#6b7d3c"), 0, rng.random()),
            view.height * 0.003,
        )


def _jetty(stage: Stage) -> None:
    view, pal = stage.view, stage.pal
    x0 = -view.side * view.figure_depth * 0.42
    wood = rgb("#7d6248")
    start, end, half = view.figure_depth * 1.05, view.figure_depth * 2.1, view.figure_depth * 0.09
    for i in range(9, -1, -1):
        z1, z2 = start + (end - start) * i / 10, start + (end - start) * (i + 0.85) / 10
        corners = [
            view.at(x0 - half, 0.15, z1),
            view.at(x0 + half, 0.15, z1),
            view.at(x0 + half, 0.15, z2),
            view.at(x0 - half, 0.15, z2),
        ]
        stage.middle.polygon(corners, pal.tone(wood, stage.depth(z1), 0.8 if i % 2 else 0.6))
        if i % 3 == 0:
            for side in (-1, 1):
                x, y = view.at(x0 + side * half, 0.5, z1)
                stage.middle.rect(
                    x - view.scale(z1) * 0.04, y, view.scale(z1) * 0.08, view.scale(z1) * 0.75, pal.tone(wood, 0, 0.25)
                )


def river(stage: Stage) -> None:
    """A river that winds out of the hills between trees."""
    view, pal, rng = stage.view, stage.pal, stage.rng("river")
    nature.ranges(stage, snow=False, tall=0.75)
    land.ground(stage, land.SNOW if "snow" in stage.brief.weather else rgb("#7b9a4f"))
    bends = fractal_line(rng, 26, 2.2, 2)
    left, right = [], []
    for i in range(26):
        z = max(0.9, view.eye * 0.8) * 1.24**i
        x = -view.side * (2.6 + view.figure_depth * 0.3) + (float(bends[i]) - 0.5) * 10 * min(3.0, z / 22)
        half = 2.2 + 0.02 * z
        left.append(view.at(x - half, 0, z))
        right.append(view.at(x + half, 0, z))
    for grow, fill in ((1.0, pal.tone(land.EARTH, 0.05, 0.5)), (0.0, "")):
        shape = [(x - 0.012 * grow * (y - view.horizon), y) for x, y in left] + [
            (x + 0.03 * grow * (y - view.horizon), y) for x, y in reversed(right)
        ]
        sheen = stage.middle.linear(
            (0, view.horizon),
            (0, view.height),
            [
                (0.0, pal.sky[2], 1.0),
                (0.35, mix(pal.sky[1], pal.tone(rgb("#3f7f92"), 0, 0.7), 0.45), 1.0),
                (1.0, pal.tone(rgb("#2c5f74"), 0.0, 0.45), 1.0),
            ],
        )
        stage.middle.blob(shape, fill or sheen)
    for i in range(2, 22):
        for _ in range(3):
            t = rng.random()
            x, y = left[i][0] + (right[i][0] - left[i][0]) * t, left[i][1]
            half = (right[i][0] - left[i][0]) * 0.1
            stage.middle.stroke(
                [(x - half, y), (x + half, y)], mix(pal.sky[2], pal.sun, 0.5), max(0.8, half * 0.06), 0.5
            )
    land.scatter(stage, "trees", 26, nature.broadleaves(stage), max(9.0, view.figure_depth * 1.8), 110, (5, 9))
    land.rocks(stage, "rocks", 8, view.figure_depth, 30, (0.25, 0.8))
    land.tufts(stage, "tufts", 150, rgb("#86a850"), 0.35)
