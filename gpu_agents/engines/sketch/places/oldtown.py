"""Old streets of tiled houses and lanterns."""

from __future__ import annotations

import random

from gpu_agents.engines.sketch.colour import mix, rgb
from gpu_agents.engines.sketch.places import land, nature
from gpu_agents.engines.sketch.places.buildings import lantern, pagoda
from gpu_agents.engines.sketch.solids import box
from gpu_agents.engines.sketch.stage import Stage

OLD_WORDS = ("长安", "古", "江湖", "市集", "集市", "ancient", "medieval", "old town", "客栈", "宫", "朝", "仙", "侠")


def old_street(stage: Stage) -> None:
    """A street between old houses, with towers behind and hills beyond."""
    view, rng = stage.view, stage.rng("old-street")
    nature.ranges(stage, snow=False, tall=0.7)
    _towers(stage)
    land.ground(stage, rgb("#a39783"), far_depth=0.7)
    half = 3.6 if view.eye < 10 else 8.0
    for z in (95, 74, 58, 45, 35, 27, 20, 14, 9, 5.5):
        if z < view.figure_depth * 0.75:
            continue
        for side in (-1, 1):
            _old_house(stage, rng, side, half, z)


def _towers(stage: Stage) -> None:
    view, rng = stage.view, stage.rng("towers")
    for k in range(3):
        x = view.width * (0.2 + 0.3 * k + rng.uniform(-0.08, 0.08))
        pagoda(stage, stage.back, (x, view.horizon + 3), view.far * rng.uniform(0.14, 0.24), 0.7, 3 + k % 2)


def _old_house(stage: Stage, rng: random.Random, side: int, half: float, z: float) -> None:
    view, pal, canvas = stage.view, stage.pal, stage.middle
    deep, height = z * 0.26, rng.uniform(3.2, 5.2)
    x = half if side > 0 else -half - 9
    wall = rng.choice((rgb("#d8c7a6"), rgb("#c9b08a"), rgb("#b5906c"), rgb("#e0d4ba")))
    box(stage, canvas, (x, 0, z), (9, height, deep), wall, (0.8, 0.55, 0.78 if side * stage.light_side < 0 else 0.35))
    inner, depth = half * side, stage.depth(z)
    wood = pal.tone(rgb("#7c3f2c"), depth, 0.5)
    for k in range(4):
        t = z + deep * k / 3
        foot, top = view.at(inner, 0, t), view.at(inner, height, t)
        canvas.stroke([foot, top], wood, max(1.0, 0.13 * view.scale(t)))
    lit = pal.lamps > 0.2
    for k in range(3):
        a, b = z + deep * (k + 0.2) / 3, z + deep * (k + 0.8) / 3
        panel = [
            view.at(inner, 0.9, a),
            view.at(inner, height * 0.72, a),
            view.at(inner, height * 0.72, b),
            view.at(inner, 0.9, b),
        ]
        canvas.polygon(panel, pal.glow() if lit and rng.random() < 0.7 else pal.tone(rgb("#5a3a28"), depth, 0.3), 0.9)
        middle = (a + b) / 2
        canvas.stroke(
            [view.at(inner, 0.9, middle), view.at(inner, height * 0.72, middle)],
            wood,
            max(0.8, 0.05 * view.scale(middle)),
        )
    out = inner - side * 1.1
    eave = [
        view.at(out, height - 0.25, z),
        view.at(out, height - 0.25, z + deep),
        view.at(inner + side * 2.6, height + 1.9, z + deep),
        view.at(inner + side * 2.6, height + 1.9, z),
    ]
    canvas.polygon(eave, pal.tone(rgb("#4d535c"), depth, 0.75))
    for k in range(12):
        t = z + deep * k / 11
        canvas.stroke(
            [view.at(out, height - 0.25, t), view.at(inner + side * 2.6, height + 1.9, t)],
            pal.tone(rgb("#3a3f48"), depth, 0.3),
            max(0.7, 0.05 * view.scale(t)),
            0.7,
        )
    gable = [
        view.at(out, height - 0.25, z),
        view.at(inner + side * 2.6, height + 1.9, z),
        view.at(inner + side * 6, height - 0.25, z),
    ]
    canvas.polygon(gable, pal.tone(rgb("#5b626c"), depth, 0.45))
    _old_front(stage, rng, x, z, height)
    if z < 50:
        for k in range(2):
            lantern(stage, canvas, view.at(out, height - 0.5, z + deep * (0.15 + 0.6 * k)), view.scale(z) * 0.5)


def _old_front(stage: Stage, rng: random.Random, x: float, z: float, height: float) -> None:
    """Posts, a beam and lattice windows on the gable side towards the eye."""
    view, pal, canvas, depth = stage.view, stage.pal, stage.middle, stage.depth(z)
    wood, scale = pal.tone(rgb("#6b3a2a"), depth, 0.45), view.scale(z)
    for k in range(5):
        px = x + 9 * k / 4
        canvas.stroke([view.at(px, 0, z), view.at(px, height, z)], wood, max(1.0, 0.16 * scale))
    for y in (0.7, height * 0.8):
        canvas.stroke([view.at(x, y, z), view.at(x + 9, y, z)], wood, max(1.0, 0.14 * scale))
    for k in range(4):
        if rng.random() < 0.25:
            continue
        left, top = view.at(x + 9 * (k + 0.18) / 4, height * 0.74, z)
        w, h = 9 * 0.64 / 4 * scale, (height * 0.74 - 1.0) * scale
        canvas.rect(
            left,
            top,
            w,
            h,
            mix(pal.glow(), rgb("#ffcf8a"), 0.5) if pal.lamps > 0.2 else pal.tone(rgb("#4a3428"), depth, 0.4),
            0.92,
        )
        for i in range(1, 4):
            canvas.stroke([(left + w * i / 4, top), (left + w * i / 4, top + h)], wood, max(0.7, 0.04 * scale))
            canvas.stroke([(left, top + h * i / 4), (left + w, top + h * i / 4)], wood, max(0.7, 0.04 * scale))
