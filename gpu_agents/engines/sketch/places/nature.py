"""Landscapes of earth and plants."""

from __future__ import annotations

import random

from gpu_agents.engines.sketch import flora
from gpu_agents.engines.sketch.colour import RGB, mix, rgb
from gpu_agents.engines.sketch.places import land, ridges
from gpu_agents.engines.sketch.places.land import Planter
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point

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
    ridges.ridge(stage, "range-far", base, far * 0.40 * tall, 1.0, rgb("#7d8296"), 2.4, 0.5, snow=snow)
    land.mist(stage, base - far * 0.06, far * 0.07, 0.55)
    ridges.ridge(stage, "range-mid", base, far * 0.27 * tall, 0.55, rgb("#686f70"), 3.2, 0.52, snow=False)
    land.mist(stage, base - far * 0.02, far * 0.06, 0.5)
    ridges.ridge(stage, "range-near", base, far * 0.13 * tall, 0.33, rgb("#56703f"), 4.0, 0.42, facets=False)


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
    stage.back.rect(
        0,
        0,
        view.width,
        view.height,
        stage.back.linear(
            (0, 0), (0, view.horizon), [(0.0, pal.tone(flora.BAMBOO, 0.5, 0.3), 0.75), (1.0, light, 0.55)]
        ),
    )
    land.ground(stage, rgb("#76804a"))
    land.path(stage, rgb("#b59a6c"), 1.5)

    def plant(canvas: Canvas, rng: random.Random, foot: Point, height: float, depth: float) -> None:
        flora.bamboo(canvas, rng, (foot[0], foot[1]), height, pal, depth * 0.8)

    land.scatter(stage, "stalks-far", 60, plant, 26, 80, (12, 17), canvas=stage.back)
    land.mist(stage, view.horizon, view.height * 0.22, 0.45)
    land.scatter(stage, "stalks", 42, plant, max(4.5, view.figure_depth * 1.25), 26, (11, 16))
    land.tufts(stage, "undergrowth", 120, rgb("#6f9447"), 0.3)


def field(stage: Stage) -> None:
    """Rolling grassland with flowers and single trees."""
    view = stage.view
    ridges.ridge(stage, "hills-far", view.horizon + 3, view.far * 0.14, 0.8, rgb("#6d8a5a"), 2.2, 0.3, facets=False)
    ridges.ridge(stage, "hills", view.horizon + 3, view.far * 0.08, 0.45, rgb("#7d9c4c"), 3.0, 0.3, facets=False)
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
            flora.flower_patch(
                stage.middle,
                rng,
                (rng.random() * view.width, y),
                size,
                stage.pal.tone(rng.choice(colours), stage.depth(z), 0.95),
            )
