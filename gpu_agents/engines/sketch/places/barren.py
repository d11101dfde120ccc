"""Landscapes without woods: desert, snow and ice, caves."""

from __future__ import annotations

import math
import random

from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.places import land, ridges
from gpu_agents.engines.sketch.places.nature import pines
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Point
from gpu_agents.engines.sketch.terrain import fractal_line


def desert(stage: Stage) -> None:
    """Dunes with sharp crests: a lit and a shaded side each."""
    view, pal = stage.view, stage.pal
    ridges.ridge(stage, "mesa", view.horizon + 3, view.far * 0.10, 0.95, rgb("#b57f5c"), 2.0, 0.35, facets=False)
    land.ground(stage, land.SAND)
    rng = stage.rng("dunes")
    span = view.height - view.horizon
    sunward = 1 if stage.sun is None or stage.sun[0] > view.width / 2 else -1
    for i, t in enumerate((0.0, 0.1, 0.24, 0.44, 0.7)):
        y, tall = view.horizon + span * t * 0.95, max(view.far * 0.15 * (1 - 0.3 * t), span * 0.16)
        depth = 0.5 * (1 - t) ** 1.5
        line = fractal_line(rng, 40, 1.6 + i * 0.2, 2, 0.35)
        crest = [(view.width * (k / 39 * 1.1 - 0.05), y - tall * float(line[k])) for k in range(40)]
        lit, dark = pal.tone(land.SAND, depth, 0.95), pal.tone(land.SAND, depth, 0.18)
        fill = stage.middle.linear(
            (0, y - tall), (0, y + span * 0.3), [(0.0, lit, 1.0), (1.0, pal.tone(land.SAND, depth, 0.6), 1.0)]
        )
        stage.middle.blob([*crest, (view.width * 1.1, view.height * 1.1), (-view.width * 0.1, view.height * 1.1)], fill)
        top = min(range(4, 36), key=lambda k, c=crest: c[k][1])  # type: ignore[misc]
        side = [crest[k] for k in range(top, max(-1, min(40, top - sunward * 14)), -sunward)]
        foot = [
            (side[-1][0] + sunward * view.width * 0.02, side[-1][1] + tall * 1.1),
            (crest[top][0] + sunward * view.width * 0.03, y + tall * 0.5),
        ]
        shade = stage.middle.linear(
            (0, crest[top][1]), (0, y + tall * 0.9), [(0.0, dark, 0.9), (0.6, dark, 0.6), (1.0, dark, 0.0)]
        )
        stage.middle.blob(
            [*side, *foot, (crest[top][0] + sunward * view.width * 0.015, crest[top][1] + tall * 0.3)], shade
        )
    for k in range(22):
        y = view.horizon + span * (0.72 + 0.28 * k / 22)
        x = rng.uniform(-0.1, 0.9) * view.width
        stage.middle.stroke(
            [(x, y), (x + view.width * 0.09, y - 3), (x + view.width * 0.2, y + 2)],
            pal.tone(land.SAND, 0, 0.2),
            1.4,
            0.25,
        )


def snowfield(stage: Stage) -> None:
    """Ice ranges and a white plain with drifts."""
    view, pal = stage.view, stage.pal
    ridges.ridge(stage, "ice-far", view.horizon + 3, view.far * 0.32, 0.9, rgb("#a9bdd0"), 2.6, 0.52, snow=True)
    land.mist(stage, view.horizon - view.far * 0.04, view.far * 0.08, 0.5)
    ridges.ridge(stage, "ice", view.horizon + 3, view.far * 0.12, 0.5, rgb("#c4d3e2"), 3.4, 0.4, snow=True)
    land.ground(stage, land.SNOW)
    rng = stage.rng("drifts")
    span = view.height - view.horizon
    for i in range(7):
        y = view.horizon + span * (0.08 + 0.13 * i)
        x = rng.random() * view.width
        half = view.width * (0.2 + 0.05 * i)
        fill = stage.middle.linear(
            (0, y - span * 0.05),
            (0, y + span * 0.06),
            [(0.0, pal.tone(land.SNOW, 0.1, 1.0), 0.9), (1.0, pal.tone(land.SNOW, 0.1, 0.25), 0.0)],
        )
        stage.middle.blob(
            [
                (x - half, y),
                (x - half * 0.3, y - span * 0.05),
                (x + half * 0.4, y - span * 0.03),
                (x + half, y),
                (x, y + span * 0.06),
            ],
            fill,
        )
    land.scatter(stage, "pines", 14, pines(stage, snow=True), max(9.0, view.figure_depth * 2), 110, (3, 7))


def cave(stage: Stage) -> None:
    """A rock vault around an opening full of light, stalactites, glowing crystals."""
    view, pal, canvas = stage.view, stage.pal, stage.back
    rng = stage.rng("cave")
    light = mix(mix(pal.sky[2], pal.sun, 0.5), rgb("#bfe0ff"), 0.45 if pal.dark else 0.1)
    canvas.rect(0, 0, view.width, view.height, pal.tone(rgb("#4a4550"), 0.2, 0.1))
    cx, cy = view.width * (0.5 - view.side * 0.14), view.horizon - view.height * 0.1
    stage.sun = (cx, cy)
    for i, grow in enumerate((1.0, 0.74, 0.5, 0.28)):
        shade = mix(pal.tone(rgb("#6a6068"), 0.0, 0.12 + 0.2 * i), light, (0.04, 0.16, 0.42, 1.0)[i])
        ring = [
            (
                cx + view.width * 0.56 * grow * rng.uniform(0.85, 1.1) * c,
                cy + view.height * 0.62 * grow * rng.uniform(0.86, 1.1) * s,
            )
            for c, s in _circle(22)
        ]
        canvas.polygon(ring, shade)
    canvas.glow(cx, cy, view.height * 0.75, light, 0.85)
    land.ground(stage, rgb("#5a5058"), top=view.horizon + view.height * 0.05, far_depth=0.3)
    for i in range(26):
        x = view.width * (i + rng.random()) / 26
        tall = view.height * rng.uniform(0.06, 0.26) * (0.5 + abs(x - cx) / view.width)
        stage.middle.polygon(
            [(x - tall * 0.17, -2), (x + tall * 0.17, -2), (x + tall * 0.02, tall)],
            pal.tone(rgb("#4d4650"), 0.05, rng.choice((0.05, 0.3))),
        )
    land.rocks(stage, "rocks", 14, view.figure_depth * 0.95, 24, (0.3, 1.3), rgb("#6a6068"))
    for _ in range(9):
        x, z = rng.uniform(-5, 5), rng.uniform(view.figure_depth * 1.3, 14)
        _crystal(stage, rng, view.at(x, 0, z), view.scale(z) * rng.uniform(0.6, 1.4))


def _crystal(stage: Stage, rng: random.Random, foot: Point, size: float) -> None:
    x, y = foot
    colour = mix(stage.pal.accent, rgb("#63e0ff"), 0.75)
    for lean in (-0.35, 0.3, 0.0):
        tip = (x + lean * size, y - size * rng.uniform(0.7, 1.1))
        stage.middle.polygon(
            [(x - size * 0.12 + lean * size * 0.4, y), tip, (x + size * 0.12 + lean * size * 0.4, y)], colour, 0.85
        )
        stage.middle.polygon(
            [(x + lean * size * 0.4, y), tip, (x + size * 0.12 + lean * size * 0.4, y)],
            mix(colour, (1.0, 1.0, 1.0), 0.5),
            0.8,
        )
    stage.lamps.append((x, y - size * 0.4, size * 1.1, times(colour, 0.8)))


def _circle(count: int) -> list[Point]:
    return [(math.cos(2 * math.pi * k / count), math.sin(2 * math.pi * k / count)) for k in range(count)]
