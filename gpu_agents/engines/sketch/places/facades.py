"""Windows, roofs, signs and lamps of modern streets."""

from __future__ import annotations

import random

from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.solids import box
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import line_path

SIGNS = (rgb("#ff3da5"), rgb("#25e6ff"), rgb("#ffd23f"), rgb("#7cff6b"), rgb("#b26bff"), rgb("#ff6b3d"))


def street_windows(stage: Stage, rng: random.Random, x: float, z1: float, z2: float, height: float) -> None:
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


def front_windows(stage: Stage, rng: random.Random, x: float, z: float, height: float) -> None:
    """Windows of the face towards the eye."""
    pal, depth = stage.pal, stage.depth(z)
    bright: list[str] = []
    dull: list[str] = []
    for floor in range(min(14, int(height / 3))):
        for bay in range(6):
            a, b = x + 12 * (bay + 0.25) / 6, x + 12 * (bay + 0.75) / 6
            corners = [
                stage.view.at(px, py, z)
                for px, py in ((a, floor * 3 + 0.9), (a, floor * 3 + 2.4), (b, floor * 3 + 2.4), (b, floor * 3 + 0.9))
            ]
            (bright if rng.random() < 0.12 + 0.4 * pal.lamps else dull).append(line_path(corners))
    glass = mix(pal.tone(rgb("#3a4557"), depth, 0.5), pal.sky[1], 0.3)
    stage.middle.path("".join(dull), glass, 0.8)
    stage.middle.path(
        "".join(bright),
        mix(pal.glow(), pal.haze, 0.35 * depth) if pal.lamps > 0.2 else mix(glass, pal.sky[2], 0.6),
        0.9,
    )


def roof_details(stage: Stage, rng: random.Random, x: float, z: float, deep: float, height: float) -> None:
    """Parapet, tank and vents, or a small roof garden, where the eye looks down on them."""
    if stage.view.eye < height:
        return
    for _ in range(3):
        w = rng.uniform(1.2, 3.0)
        tint = rng.choice((rgb("#8f8a84"), rgb("#6f9a5c"), rgb("#b5a894"), rgb("#7d8896")))
        box(
            stage,
            stage.middle,
            (x + rng.uniform(0.5, 8.5), height, z + deep * rng.uniform(0.1, 0.6)),
            (w, rng.uniform(0.6, 1.6), deep * 0.2),
            tint,
        )


def sign(stage: Stage, rng: random.Random, x: float, z: float, side: int) -> None:
    """A glowing board that hangs into the street, with bars instead of letters."""
    view = stage.view
    scale = view.scale(z)
    colour = rng.choice(SIGNS) if stage.pal.dark else stage.pal.tone(rng.choice(SIGNS), 0.2, 0.5)
    w, h = rng.uniform(0.7, 1.2) * scale, rng.uniform(1.6, 3.4) * scale
    left, top = view.at(x - side * 1.2, rng.uniform(4.5, 8.0), z)
    left -= w / 2
    stage.middle.rect(left, top, w, h, mix(colour, (0.0, 0.0, 0.0), 0.72), 1.0, w * 0.12)
    stage.middle.path(
        line_path([(left, top), (left + w, top), (left + w, top + h), (left, top + h)]),
        None,
        1.0,
        colour,
        max(1.0, w * 0.07),
    )
    rows = rng.randint(2, 4)
    for k in range(rows):
        y = top + h * (k + 0.5) / rows
        for dx in (-0.22, 0.0, 0.22):
            stage.middle.stroke(
                [(left + w * (0.5 + dx), y - h * 0.07), (left + w * (0.5 + dx * rng.uniform(-1, 1)), y + h * 0.07)],
                mix(colour, (1.0, 1.0, 1.0), 0.45),
                max(1.0, w * 0.07),
            )
    if stage.pal.dark and z < 45:
        stage.lamp(left + w / 2, top + h / 2, h * 0.75, times(colour, 0.7))


def street_lamp(stage: Stage, x: float, z: float) -> None:
    """A lamp post beside the road at x, z metres, its arm over the road."""
    view, pal = stage.view, stage.pal
    scale = view.scale(z)
    px, py = view.at(x, 0, z)
    metal = pal.tone(rgb("#3c4048"), stage.depth(z), 0.4)
    inward = -1 if x > 0 else 1
    stage.middle.stroke(
        [
            (px, py),
            (px, py - 4.6 * scale),
            (px + inward * 0.5 * scale, py - 5.0 * scale),
            (px + inward * 1.0 * scale, py - 5.0 * scale),
        ],
        metal,
        max(1.0, 0.09 * scale),
    )
    if pal.lamps > 0.2:
        stage.middle.ellipse(px + inward * 1.0 * scale, py - 4.93 * scale, 0.22 * scale, 0.09 * scale, pal.glow())
        stage.lamp(px + inward * 1.0 * scale, py - 4.9 * scale, 1.5 * scale)
