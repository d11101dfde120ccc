"""Streets and villages."""

from __future__ import annotations

import random

from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.places import land, nature
from gpu_agents.engines.sketch.places.buildings import cottage, lantern, pagoda
from gpu_agents.engines.sketch.solids import box
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import line_path

SIGNS = (rgb("#ff3da5"), rgb("#25e6ff"), rgb("#ffd23f"), rgb("#7cff6b"), rgb("#b26bff"), rgb("#ff6b3d"))
_WALLS = (rgb("#8d8f99"), rgb("#a3877a"), rgb("#7b8799"), rgb("#b0a08c"), rgb("#6e7686"), rgb("#9c7468"))
_OLD = ("长安", "古", "江湖", "市集", "集市", "ancient", "medieval", "old town", "客栈", "宫", "朝", "仙", "侠")


def city(stage: Stage) -> None:
    """A street between rows of houses that runs to the horizon; old streets have tiled roofs and lanterns."""
    if any(word in stage.brief.text.lower() for word in _OLD):
        _old_street(stage)
    else:
        _modern_street(stage)


def _modern_street(stage: Stage) -> None:
    view, pal, rng = stage.view, stage.pal, stage.rng("city")
    _skyline(stage, view.far * 0.36, 0.8)
    _skyline(stage, view.far * 0.22, 0.5)
    land.ground(stage, rgb("#55575f"), far_depth=0.7)
    half = 4.6 if view.eye < 10 else 9.0
    _road_marks(stage, half)
    depths = [150, 118, 92, 72, 56, 43, 33, 25, 18, 12, 7]
    for z in depths:
        if z < view.figure_depth * 0.55:
            continue
        for side in (-1, 1):
            height = rng.uniform(9, 26) if z < 60 else rng.uniform(16, 42)
            deep = z * 0.22
            wall = rng.choice(_WALLS)
            x = half + 1.4 if side > 0 else -half - 1.4 - 12
            box(stage, stage.middle, (x, 0, z), (12, height, deep), wall, (0.8, 0.5, 0.72 if side * _light_side(stage) < 0 else 0.3))
            _street_windows(stage, rng, side, (half + 1.4) * side, z, z + deep, height)
            if z < 60 and (pal.dark or rng.random() < 0.5):
                _sign(stage, rng, (half + 1.4) * side, z + deep * rng.uniform(0.1, 0.6), side)
            if z > 9:
                _street_lamp(stage, half * side, z)
    if pal.dark and ("rain" in stage.brief.weather or pal.name == "neon"):
        _wet_street(stage)


def _light_side(stage: Stage) -> float:
    return 1.0 if stage.sun is not None and stage.sun[0] > stage.view.width / 2 else -1.0


def _skyline(stage: Stage, height: float, depth: float) -> None:
    view, pal, canvas, rng = stage.view, stage.pal, stage.back, stage.rng(f"skyline{depth}")
    x = -20.0
    base = view.horizon + 3
    lit: list[str] = []
    while x < view.width + 20:
        w = view.height * rng.uniform(0.035, 0.09)
        tall = height * rng.uniform(0.25, 1.0) * (1.2 - abs(x / view.width - 0.5))
        body, foot = pal.tone(rgb("#6c7486"), depth, 0.4), mix(pal.tone(rgb("#6c7486"), depth + 0.4, 0.6), pal.haze, 0.5)
        canvas.rect(x, base - tall, w, tall, canvas.linear((0, base - tall), (0, base), [(0.0, body, 1.0), (1.0, foot, 1.0)]))
        if rng.random() < 0.3:
            canvas.rect(x + w * 0.45, base - tall * 1.2, w * 0.06, tall * 0.2, body)
        for _ in range(int(w * tall / 260)):
            wx, wy = x + w * rng.uniform(0.1, 0.85), base - tall * rng.uniform(0.05, 0.95)
            lit.append(line_path([(wx, wy), (wx + w * 0.07, wy), (wx + w * 0.07, wy + w * 0.1), (wx, wy + w * 0.1)]))
        x += w * rng.uniform(0.8, 1.2)
    if pal.lamps > 0.3:
        canvas.path("".join(lit), pal.glow(), 0.75 * pal.lamps)


def _road_marks(stage: Stage, half: float) -> None:
    view, pal = stage.view, stage.pal
    near = max(0.9, view.eye * 0.7)
    for side in (-1, 1):
        strip = [view.at(side * half, 0, near), view.at(side * (half + 1.4), 0, near), view.at(side * (half + 1.4), 0, 200), view.at(side * half, 0, 200)]
        stage.middle.polygon(strip, stage.middle.linear((0, view.horizon), (0, view.height), [
            (0.0, pal.tone(rgb("#8d8d90"), 0.7, 0.7), 1.0), (1.0, pal.tone(rgb("#8d8d90"), 0, 0.6), 1.0)]))  # fmt: skip
    for i in range(14):
        z1, z2 = near + i * 4.5, near + i * 4.5 + 2.2
        stage.middle.polygon([view.at(-0.08, 0, z1), view.at(0.08, 0, z1), view.at(0.08, 0, z2), view.at(-0.08, 0, z2)], pal.tone(rgb("#e6e2d2"), stage.depth(z1), 0.7), 0.7)


def _street_windows(stage: Stage, rng: random.Random, side: int, x: float, z1: float, z2: float, height: float) -> None:
    """A grid of windows on the side face along the street; lit ones shine at night."""
    view, pal = stage.view, stage.pal
    floors, bays = min(14, int(height / 3)), 4
    bright: list[str] = []
    dull: list[str] = []
    for floor in range(1 if floors > 1 else 0, floors):
        for bay in range(bays):
            a, b = z1 + (z2 - z1) * (bay + 0.22) / bays, z1 + (z2 - z1) * (bay + 0.74) / bays
            y1, y2 = floor * 3 + 0.8, floor * 3 + 2.5
            data = line_path([view.at(x, y1, a), view.at(x, y2, a), view.at(x, y2, b), view.at(x, y1, b)])
            (bright if rng.random() < 0.15 + 0.4 * pal.lamps else dull).append(data)
    depth = stage.depth((z1 + z2) / 2)
    dark = pal.tone(rgb("#3a4557"), depth, 0.5)
    stage.middle.path("".join(dull), mix(dark, pal.sky[1], 0.25), 0.85)
    lit = mix(pal.glow(), pal.haze, 0.35 * depth) if pal.lamps > 0.2 else mix(dark, pal.sky[2], 0.6)
    stage.middle.path("".join(bright), lit, 0.95)


def _sign(stage: Stage, rng: random.Random, x: float, z: float, side: int) -> None:
    """A glowing board that hangs into the street, with bars instead of letters."""
    view = stage.view
    scale = view.scale(z)
    colour = rng.choice(SIGNS) if stage.pal.dark else stage.pal.tone(rng.choice(SIGNS), 0.2, 0.5)
    w, h = rng.uniform(0.7, 1.2) * scale, rng.uniform(1.6, 3.4) * scale
    left, top = view.at(x - side * 1.2, rng.uniform(4.5, 8.0), z)
    left -= w / 2
    stage.middle.rect(left, top, w, h, mix(colour, (0.0, 0.0, 0.0), 0.72), 1.0, w * 0.12)
    stage.middle.path(line_path([(left, top), (left + w, top), (left + w, top + h), (left, top + h)]), None, 1.0, colour, max(1.0, w * 0.07))
    rows = rng.randint(2, 4)
    for k in range(rows):
        y = top + h * (k + 0.5) / rows
        for dx in (-0.22, 0.0, 0.22):
            stage.middle.stroke([(left + w * (0.5 + dx), y - h * 0.07), (left + w * (0.5 + dx * rng.uniform(-1, 1)), y + h * 0.07)], mix(colour, (1.0, 1.0, 1.0), 0.45), max(1.0, w * 0.07))
    if stage.pal.dark:
        stage.lamp(left + w / 2, top + h / 2, h * 0.9, times(colour, 0.75))


def _street_lamp(stage: Stage, x: float, z: float) -> None:
    view, pal = stage.view, stage.pal
    scale = view.scale(z)
    px, py = view.at(x, 0, z)
    metal = pal.tone(rgb("#3c4048"), stage.depth(z), 0.4)
    inward = -1 if x > 0 else 1
    stage.middle.stroke([(px, py), (px, py - 4.6 * scale), (px + inward * 0.5 * scale, py - 5.0 * scale), (px + inward * 1.0 * scale, py - 5.0 * scale)], metal, max(1.0, 0.09 * scale))
    if pal.lamps > 0.2:
        stage.middle.ellipse(px + inward * 1.0 * scale, py - 4.93 * scale, 0.22 * scale, 0.09 * scale, pal.glow())
        stage.lamp(px + inward * 1.0 * scale, py - 4.9 * scale, 1.5 * scale)


def _wet_street(stage: Stage) -> None:
    """Lights drawn out downwards on wet asphalt."""
    view = stage.view
    for x, y, radius, colour in list(stage.lamps):
        if y > view.horizon:
            continue
        foot = view.horizon + (view.horizon - y) * 0.55
        low = min(view.height * 1.0, foot + radius * 2.4 + view.height * 0.12)
        fill = stage.middle.linear((0, foot), (0, low), [(0.0, colour, 0.0), (0.3, colour, 0.42), (1.0, colour, 0.0)])
        stage.middle.rect(x - radius * 0.16, foot, radius * 0.32, low - foot, fill)


def _old_street(stage: Stage) -> None:
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
    box(stage, canvas, (x, 0, z), (9, height, deep), wall, (0.8, 0.55, 0.78 if side * _light_side(stage) < 0 else 0.35))
    inner, depth = half * side, stage.depth(z)
    wood = pal.tone(rgb("#7c3f2c"), depth, 0.5)
    for k in range(4):
        t = z + deep * k / 3
        foot, top = view.at(inner, 0, t), view.at(inner, height, t)
        canvas.stroke([foot, top], wood, max(1.0, 0.13 * view.scale(t)))
    lit = pal.lamps > 0.2
    for k in range(3):
        a, b = z + deep * (k + 0.2) / 3, z + deep * (k + 0.8) / 3
        panel = [view.at(inner, 0.9, a), view.at(inner, height * 0.72, a), view.at(inner, height * 0.72, b), view.at(inner, 0.9, b)]
        canvas.polygon(panel, pal.glow() if lit and rng.random() < 0.7 else pal.tone(rgb("#5a3a28"), depth, 0.3), 0.9)
        middle = (a + b) / 2
        canvas.stroke([view.at(inner, 0.9, middle), view.at(inner, height * 0.72, middle)], wood, max(0.8, 0.05 * view.scale(middle)))
    out = inner - side * 1.1
    eave = [view.at(out, height - 0.25, z), view.at(out, height - 0.25, z + deep), view.at(inner + side * 2.6, height + 1.9, z + deep), view.at(inner + side * 2.6, height + 1.9, z)]
    canvas.polygon(eave, pal.tone(rgb("#4d535c"), depth, 0.75))
    for k in range(12):
        t = z + deep * k / 11
        canvas.stroke([view.at(out, height - 0.25, t), view.at(inner + side * 2.6, height + 1.9, t)], pal.tone(rgb("#3a3f48"), depth, 0.3), max(0.7, 0.05 * view.scale(t)), 0.7)
    gable = [view.at(out, height - 0.25, z), view.at(inner + side * 2.6, height + 1.9, z), view.at(inner + side * 6, height - 0.25, z)]
    canvas.polygon(gable, pal.tone(rgb("#5b626c"), depth, 0.45))
    if z < 50:
        for k in range(2):
            lantern(stage, canvas, view.at(out, height - 0.5, z + deep * (0.15 + 0.6 * k)), view.scale(z) * 0.5)


def village(stage: Stage) -> None:
    """Cottages with smoking chimneys among trees, fields behind, a fence along the way."""
    view, rng = stage.view, stage.rng("village")
    snow = "snow" in stage.brief.weather
    nature.ranges(stage, snow=snow, tall=0.8)
    land.tree_line(stage, "wood", view.horizon + 3, view.far * 0.06, 0.4, "broad")
    land.ground(stage, land.SNOW if snow else rgb("#86a04f"))
    land.path(stage, rgb("#c0a678"), 1.8, 4.0)
    land.scatter(stage, "trees-far", 14, nature.broadleaves(stage), 30, 110, (5, 8))
    east = any("\u4e00" <= char <= "\u9fff" for char in stage.brief.text)
    spots = sorted(((rng.uniform(13, 60), side) for side in (-1, 1) for _ in range(4)), reverse=True)
    for z, side in spots:
        cottage(stage, rng, side * rng.uniform(0.22, 0.5) * z * view.width / view.focal + side * 2, max(z, view.figure_depth * 1.9), snow, east)
    land.scatter(stage, "trees", 7, nature.broadleaves(stage), max(9.0, view.figure_depth * 1.8), 26, (5, 8))
    if not snow:
        land.tufts(stage, "tufts", 150, rgb("#93b054"), 0.35)


