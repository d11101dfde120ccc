"""Landscapes of earth and plants."""

from __future__ import annotations

import math
import random

from gpu_agents.engines.sketch import flora
from gpu_agents.engines.sketch.colour import RGB, mix, rgb
from gpu_agents.engines.sketch.places import land
from gpu_agents.engines.sketch.places.land import Planter
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point
from gpu_agents.engines.sketch.terrain import fractal_line

AUTUMN = (rgb("#c9752f"), rgb("#b8502f"), rgb("#d39a3a"))
BLOSSOM = (rgb("#f0a9bd"), rgb("#f6c6d2"), rgb("#e58aa8"))


def leaf_colours(stage: Stage) -> tuple[RGB, ...]:
    """Foliage by the words of the prompt: blossom, autumn, else green."""
    text = stage.brief.text.lower()
    if any(word in text for word in ("sakura", "cherry", "blossom", "peach", "桃", "樱")):
        return BLOSSOM
    if any(word in text for word in ("autumn", "fall leaves", "maple", "秋", "枫")):
        return AUTUMN
    return flora.LEAF, rgb("#7ca046"), rgb("#4a7a3c")


def pines(stage: Stage, snow: bool) -> Planter:
    """A planter of conifers."""

    def plant(canvas: Canvas, rng: random.Random, foot: Point, height: float, depth: float) -> None:
        flora.pine(canvas, rng, foot, height, stage.pal, depth, snow)

    return plant


def broadleaves(stage: Stage) -> Planter:
    """A planter of broad-leaved trees in the colours of the season."""
    colours = leaf_colours(stage)

    def plant(canvas: Canvas, rng: random.Random, foot: Point, height: float, depth: float) -> None:
        flora.broadleaf(canvas, rng, foot, height, stage.pal, depth, rng.choice(colours))

    return plant


def ranges(stage: Stage, snow: bool = True, tall: float = 1.0) -> None:
    """Three ranges behind one another with mist between them."""
    view = stage.view
    base, far = view.horizon + view.height * 0.004, view.far
    land.ridge(stage, "range-far", base, far * 0.40 * tall, 1.0, rgb("#7d8296"), 2.4, 0.5, snow=snow)
    land.mist(stage, base - far * 0.06, far * 0.07, 0.55)
    land.ridge(stage, "range-mid", base, far * 0.27 * tall, 0.55, rgb("#686f70"), 3.2, 0.52, snow=False)
    land.mist(stage, base - far * 0.02, far * 0.06, 0.5)
    land.ridge(stage, "range-near", base, far * 0.13 * tall, 0.33, rgb("#56703f"), 4.0, 0.42, facets=False)


def mountain(stage: Stage) -> None:
    """High ranges, a meadow with a path, conifers."""
    snow = "snow" in stage.brief.weather
    ranges(stage)
    land.tree_line(stage, "wood", stage.view.horizon + 3, stage.view.far * 0.05, 0.3)
    land.ground(stage, land.SNOW if snow else rgb("#7d9350"))
    land.path(stage, rgb("#b79f78"))
    land.rocks(stage, "rocks", 9, stage.view.figure_depth * 0.9, 60, (0.3, 1.1))
    land.scatter(stage, "pines", 34, pines(stage, snow), max(7.0, stage.view.figure_depth * 1.7), 130, (4, 9))
    if not snow:
        land.tufts(stage, "tufts", 130, rgb("#86a04e"), 0.3)


def forest(stage: Stage) -> None:
    """Ranks of trees that fade into light, ferns on the ground."""
    view, snow = stage.view, "snow" in stage.brief.weather
    autumn = leaf_colours(stage) != (flora.LEAF, rgb("#7ca046"), rgb("#4a7a3c"))
    kind = "broad" if autumn or stage.rng("kind").random() < 0.5 else "pine"
    for i, (size, depth) in enumerate(((0.42, 1.0), (0.32, 0.7), (0.22, 0.45))):
        land.tree_line(stage, f"line{i}", view.horizon + view.height * 0.01 * i, view.far * size, depth, kind)
        land.mist(stage, view.horizon - view.far * size * 0.15, view.far * 0.12, 0.4)
    land.ground(stage, land.SNOW if snow else rgb("#5f7a41"))
    land.path(stage, rgb("#a08a62"), 1.4)
    plant = broadleaves(stage) if kind == "broad" else pines(stage, snow)
    land.scatter(stage, "trees", 46, plant, max(6.5, view.figure_depth * 1.6), 90, (8, 15))
    if not snow:
        land.tufts(stage, "ferns", 170, rgb("#6f9447"), 0.35)


def bamboo(stage: Stage) -> None:
    """A bamboo grove in three ranks."""
    view, pal = stage.view, stage.pal
    light = mix(pal.haze, rgb("#cfe8b0"), 0.25)
    stage.back.rect(0, 0, view.width, view.height, stage.back.linear((0, 0), (0, view.horizon), [(0.0, pal.tone(flora.BAMBOO, 0.5, 0.3), 0.75), (1.0, light, 0.55)]))
    land.ground(stage, rgb("#76804a"))
    land.path(stage, rgb("#b59a6c"), 1.5)

    def plant(canvas: Canvas, rng: random.Random, foot: Point, height: float, depth: float) -> None:
        flora.bamboo(canvas, rng, (foot[0], foot[1]), height, pal, depth * 1.3)

    land.scatter(stage, "stalks-far", 60, plant, 26, 80, (12, 17), canvas=stage.back)
    land.mist(stage, view.horizon, view.height * 0.22, 0.45)
    land.scatter(stage, "stalks", 42, plant, max(4.5, view.figure_depth * 1.25), 26, (11, 16))
    land.tufts(stage, "undergrowth", 120, rgb("#6f9447"), 0.3)


def field(stage: Stage) -> None:
    """Rolling grassland with flowers and single trees."""
    view = stage.view
    land.ridge(stage, "hills-far", view.horizon + 3, view.far * 0.14, 0.8, rgb("#6d8a5a"), 2.2, 0.3, facets=False)
    land.ridge(stage, "hills", view.horizon + 3, view.far * 0.08, 0.45, rgb("#7d9c4c"), 3.0, 0.3, facets=False)
    land.tree_line(stage, "hedge", view.horizon + 3, view.far * 0.03, 0.4, "broad")
    wheat = any(word in stage.brief.text.lower() for word in ("wheat", "harvest", "麦", "秋"))
    snow = "snow" in stage.brief.weather
    turf = land.SNOW if snow else rgb("#d3ad58") if wheat else rgb("#8cb04f")
    land.ground(stage, turf)
    land.path(stage, rgb("#c2a878"), 1.3, 5.0)
    land.scatter(stage, "trees", 9, broadleaves(stage), max(12.0, view.figure_depth * 2), 110, (5, 9))
    if not snow:
        land.tufts(stage, "grass", 260, rgb("#dcb95e") if wheat else rgb("#93b654"), 0.42)
        _flowers(stage)


def _flowers(stage: Stage) -> None:
    rng, view = stage.rng("flowers"), stage.view
    colours = (rgb("#f4f1e4"), rgb("#e8695a"), rgb("#f2c14e"), rgb("#a77bd6"), rgb("#f08fb0"))
    for _ in range(110 if "flower" in stage.brief.objects or "花" in stage.brief.text else 45):
        y = view.horizon + (view.height - view.horizon) * rng.random() ** 0.75
        z = view.depth_of(y)
        size = min(0.3 * view.scale(z), view.height * 0.03)
        if size > 1.2:
            flora.flower_patch(stage.middle, rng, (rng.random() * view.width, y), size, stage.pal.tone(rng.choice(colours), stage.depth(z), 0.95))


def desert(stage: Stage) -> None:
    """Dunes with sharp crests: a lit and a shaded side each."""
    view, pal = stage.view, stage.pal
    land.ridge(stage, "mesa", view.horizon + 3, view.far * 0.10, 0.95, rgb("#b57f5c"), 2.0, 0.35, facets=False)
    land.ground(stage, land.SAND)
    rng = stage.rng("dunes")
    span = view.height - view.horizon
    sunward = 1 if stage.sun is None or stage.sun[0] > view.width / 2 else -1
    for i, t in enumerate((0.0, 0.1, 0.24, 0.44, 0.7)):
        y, tall = view.horizon + span * t * 0.95, max(view.far * 0.09 * (1 - 0.35 * t), span * 0.1)
        depth = 0.75 * (1 - t)
        line = fractal_line(rng, 40, 1.6 + i * 0.2, 2, 0.35)
        crest = [(view.width * (k / 39 * 1.1 - 0.05), y - tall * float(line[k])) for k in range(40)]
        lit, dark = pal.tone(land.SAND, depth, 0.95), pal.tone(land.SAND, depth, 0.18)
        fill = stage.middle.linear((0, y - tall), (0, y + span * 0.3), [(0.0, lit, 1.0), (1.0, pal.tone(land.SAND, depth, 0.6), 1.0)])
        stage.middle.blob([*crest, (view.width * 1.1, view.height * 1.1), (-view.width * 0.1, view.height * 1.1)], fill)
        top = min(range(4, 36), key=lambda k, c=crest: c[k][1])  # type: ignore[misc]
        side = [crest[k] for k in range(top, max(-1, min(40, top - sunward * 14)), -sunward)]
        foot = [(side[-1][0] + sunward * view.width * 0.02, side[-1][1] + tall * 1.1), (crest[top][0] + sunward * view.width * 0.03, y + tall * 0.5)]
        shade = stage.middle.linear((0, crest[top][1]), (0, y + tall * 0.9), [(0.0, dark, 0.85), (1.0, dark, 0.0)])
        stage.middle.blob([*side, *foot, (crest[top][0] + sunward * view.width * 0.015, crest[top][1] + tall * 0.3)], shade)
    for k in range(22):
        y = view.horizon + span * (0.72 + 0.28 * k / 22)
        x = rng.uniform(-0.1, 0.9) * view.width
        stage.middle.stroke([(x, y), (x + view.width * 0.09, y - 3), (x + view.width * 0.2, y + 2)], pal.tone(land.SAND, 0, 0.2), 1.4, 0.25)


def snowfield(stage: Stage) -> None:
    """Ice ranges and a white plain with drifts."""
    view, pal = stage.view, stage.pal
    land.ridge(stage, "ice-far", view.horizon + 3, view.far * 0.32, 0.9, rgb("#a9bdd0"), 2.6, 0.52, snow=True)
    land.mist(stage, view.horizon - view.far * 0.04, view.far * 0.08, 0.5)
    land.ridge(stage, "ice", view.horizon + 3, view.far * 0.12, 0.5, rgb("#c4d3e2"), 3.4, 0.4, snow=True)
    land.ground(stage, land.SNOW)
    rng = stage.rng("drifts")
    span = view.height - view.horizon
    for i in range(7):
        y = view.horizon + span * (0.08 + 0.13 * i)
        x = rng.random() * view.width
        half = view.width * (0.2 + 0.05 * i)
        fill = stage.middle.linear((0, y - span * 0.05), (0, y + span * 0.06), [(0.0, pal.tone(land.SNOW, 0.1, 1.0), 0.9), (1.0, pal.tone(land.SNOW, 0.1, 0.25), 0.0)])
        stage.middle.blob([(x - half, y), (x - half * 0.3, y - span * 0.05), (x + half * 0.4, y - span * 0.03), (x + half, y), (x, y + span * 0.06)], fill)
    land.scatter(stage, "pines", 14, pines(stage, True), max(9.0, view.figure_depth * 2), 110, (3, 7))


def cave(stage: Stage) -> None:
    """A rock vault around an opening full of light, stalactites, glowing crystals."""
    view, pal, canvas = stage.view, stage.pal, stage.back
    rng = stage.rng("cave")
    light = mix(pal.sky[2], pal.sun, 0.5)
    canvas.rect(0, 0, view.width, view.height, pal.tone(rgb("#4a4550"), 0.2, 0.1))
    cx, cy = view.width * (0.5 - view.side * 0.14), view.horizon - view.height * 0.1
    stage.sun = (cx, cy)
    for i, grow in enumerate((1.0, 0.74, 0.5, 0.28)):
        shade = mix(pal.tone(rgb("#6a6068"), 0.0, 0.12 + 0.2 * i), light, (0.04, 0.16, 0.42, 1.0)[i])
        ring = [(cx + view.width * 0.56 * grow * rng.uniform(0.85, 1.1) * c, cy + view.height * 0.62 * grow * rng.uniform(0.86, 1.1) * s) for c, s in _circle(22)]
        canvas.polygon(ring, shade)
    canvas.glow(cx, cy, view.height * 0.55, light, 0.7)
    land.ground(stage, rgb("#5a5058"), top=view.horizon + view.height * 0.05, far_depth=0.3)
    for i in range(26):
        x = view.width * (i + rng.random()) / 26
        tall = view.height * rng.uniform(0.06, 0.26) * (0.5 + abs(x - cx) / view.width)
        stage.middle.polygon([(x - tall * 0.17, -2), (x + tall * 0.17, -2), (x + tall * 0.02, tall)], pal.tone(rgb("#4d4650"), 0.05, rng.choice((0.05, 0.3))))
    land.rocks(stage, "rocks", 14, view.figure_depth * 0.95, 24, (0.3, 1.3), rgb("#6a6068"))
    for _ in range(9):
        x, z = rng.uniform(-5, 5), rng.uniform(view.figure_depth * 1.3, 14)
        _crystal(stage, rng, view.at(x, 0, z), view.scale(z) * rng.uniform(0.4, 0.9))


def _crystal(stage: Stage, rng: random.Random, foot: Point, size: float) -> None:
    x, y = foot
    colour = mix(stage.pal.accent, rgb("#63e0ff"), 0.75)
    for lean in (-0.35, 0.3, 0.0):
        tip = (x + lean * size, y - size * rng.uniform(0.7, 1.1))
        stage.middle.polygon([(x - size * 0.12 + lean * size * 0.4, y), tip, (x + size * 0.12 + lean * size * 0.4, y)], colour, 0.85)
        stage.middle.polygon([(x + lean * size * 0.4, y), tip, (x + size * 0.12 + lean * size * 0.4, y)], mix(colour, (1.0, 1.0, 1.0), 0.5), 0.8)
    stage.lamps.append((x, y - size * 0.4, size * 1.9, colour))


def _circle(count: int) -> list[Point]:
    return [(math.cos(2 * math.pi * k / count), math.sin(2 * math.pi * k / count)) for k in range(count)]
