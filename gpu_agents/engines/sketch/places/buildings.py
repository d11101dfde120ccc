"""Single buildings and lanterns that several places share."""

from __future__ import annotations

import random

from gpu_agents.engines.sketch import flora
from gpu_agents.engines.sketch.colour import RGB, mix, rgb, times
from gpu_agents.engines.sketch.places import land
from gpu_agents.engines.sketch.solids import box, upswept_roof
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point

RED = rgb("#a53c30")
TILE = rgb("#4c5460")


def pagoda(stage: Stage, canvas: Canvas, foot: Point, height: float, depth: float, storeys: int = 5) -> None:
    """A tower of shrinking storeys under upswept roofs; `height` in pixels."""
    pal = stage.pal
    x, y = foot
    each = height * 0.86 / storeys
    for k in range(storeys):
        w = height * (0.34 - 0.2 * k / storeys)
        base = y - each * k
        left, right = pal.tone(RED, depth, 0.7), pal.tone(RED, depth, 0.25)
        canvas.rect(
            x - w / 2,
            base - each * 0.66,
            w,
            each * 0.66,
            canvas.linear((x - w / 2, 0), (x + w / 2, 0), [(0.0, left, 1.0), (1.0, right, 1.0)]),
        )
        for dx in (-0.26, 0.0, 0.26):
            lit = pal.glow() if pal.lamps > 0.2 else pal.tone(rgb("#4a2c22"), depth, 0.3)
            canvas.rect(x + dx * w - w * 0.075, base - each * 0.52, w * 0.15, each * 0.4, lit)
        upswept_roof(
            canvas,
            x,
            base - each * 0.6,
            w * 1.75,
            each * 0.5,
            pal.tone(TILE, depth, 0.75),
            pal.tone(times(TILE, 0.6), depth, 0.3),
        )
    canvas.stroke(
        [(x, y - height * 0.86), (x, y - height)], pal.tone(rgb("#c9a24a"), depth, 0.8), max(1.0, height * 0.012)
    )
    stage.lamp(x, y - height * 0.3, height * 0.28)


def lantern(stage: Stage, canvas: Canvas, top: Point, size: float) -> None:
    """A red paper lantern that hangs from `top`; `size` = its width in pixels."""
    x, y = top
    glow = stage.pal.lamps > 0.2
    red = rgb("#d8392f") if glow else stage.pal.tone(rgb("#c8322c"), 0.05, 0.8)
    canvas.stroke([(x, y), (x, y + size * 0.3)], stage.pal.tone(rgb("#3a2a20"), 0, 0.4), max(0.8, size * 0.05))
    cy = y + size * 0.75
    core = mix(red, rgb("#ffd98a"), 0.75 if glow else 0.2)
    canvas.ellipse(
        x,
        cy,
        size * 0.5,
        size * 0.43,
        canvas.radial(
            x, cy, size * 0.5, [(0.0, core, 1.0), (0.55, mix(core, red, 0.6), 1.0), (1.0, times(red, 0.75), 1.0)]
        ),
    )
    for dx in (-0.25, 0.0, 0.25):
        canvas.path(
            f"M{x + dx * size * 0.6:.1f} {cy - size * 0.4:.1f}Q{x + dx * size * 1.5:.1f} {cy:.1f}"
            f" {x + dx * size * 0.6:.1f} {cy + size * 0.4:.1f}",
            None,
            0.45,
            times(red, 0.6),
            max(0.6, size * 0.03),
        )
    gold = stage.pal.tone(rgb("#d8b04a"), 0.05, 0.8)
    canvas.rect(x - size * 0.2, cy - size * 0.48, size * 0.4, size * 0.09, gold)
    canvas.rect(x - size * 0.2, cy + size * 0.38, size * 0.4, size * 0.09, gold)
    canvas.stroke([(x, cy + size * 0.46), (x, cy + size * 0.85)], gold, max(0.8, size * 0.06))
    stage.lamp(x, cy, size * 1.6, rgb("#ff7a3c"))


def cottage(stage: Stage, rng: random.Random, x: float, z: float, snow: bool, east: bool) -> None:
    """One house with its lit window, door, chimney and smoke; (x, z) = middle of its front in metres."""
    view, pal, canvas = stage.view, stage.pal, stage.middle
    w, h, depth = rng.uniform(4.5, 6.5), rng.uniform(2.4, 3.0), stage.depth(z)
    scale = view.scale(z)
    wall = rng.choice((rgb("#e4d6b8"), rgb("#cdb48c"), rgb("#b98f6a"), rgb("#d9d2c4")))
    box(stage, canvas, (x - w / 2, 0, z), (w, h, 4.0), wall, (0.9, 0.65, 0.35))
    px, py = view.at(x, h, z)
    roof = pal.tone(
        land.SNOW if snow else rng.choice((rgb("#6d5a4c"), rgb("#8c4f3c"), rgb("#565c66"), rgb("#a8894e"))), depth, 0.7
    )
    if east:
        upswept_roof(
            canvas, px, py + 0.12 * scale, w * 1.3 * scale, 1.9 * scale, roof, pal.tone(rgb("#3a3f48"), depth, 0.3)
        )
    else:
        canvas.polygon(
            [
                (px - w * 0.6 * scale, py + 0.15 * scale),
                (px - w * 0.34 * scale, py - 1.8 * scale),
                (px + w * 0.34 * scale, py - 1.8 * scale),
                (px + w * 0.6 * scale, py + 0.15 * scale),
            ],
            roof,
        )
        canvas.rect(
            px + w * 0.2 * scale, py - 2.5 * scale, 0.6 * scale, 1.1 * scale, pal.tone(rgb("#7d5a4c"), depth, 0.4)
        )
    lit = pal.lamps > 0.2
    for dx in (-0.28, 0.28):
        wx, wy = view.at(x + dx * w, 1.9, z)
        canvas.rect(
            wx - 0.45 * scale, wy, 0.9 * scale, 0.9 * scale, pal.glow() if lit else pal.tone(rgb("#4a5a6a"), depth, 0.4)
        )
        frame = pal.tone(rgb("#5a4030"), depth, 0.4)
        canvas.stroke([(wx, wy), (wx, wy + 0.9 * scale)], frame, max(0.7, 0.07 * scale))
        canvas.stroke(
            [(wx - 0.45 * scale, wy + 0.45 * scale), (wx + 0.45 * scale, wy + 0.45 * scale)],
            frame,
            max(0.7, 0.07 * scale),
        )
        stage.lamp(wx, wy + 0.45 * scale, 0.95 * scale)
    dx, dy = view.at(x, 2.0, z)
    canvas.rect(dx - 0.5 * scale, dy, 1.0 * scale, 2.0 * scale, pal.tone(rgb("#6b4630"), depth, 0.4))
    flora.bush(canvas, rng, view.at(x - w * 0.45, 0, z - 0.2), 0.8 * scale, pal, depth)
    _smoke(
        stage,
        rng,
        (px + w * 0.25 * scale, py - (1.9 if east else 2.6) * scale),
        scale,
        pal.tone(rgb("#dfe2e6"), depth, 0.7),
    )


def _smoke(stage: Stage, rng: random.Random, foot: Point, scale: float, colour: RGB) -> None:
    lean = rng.uniform(0.5, 1.2) * scale
    for k in range(6):
        r = scale * (0.22 + 0.16 * k)
        stage.middle.ellipse(foot[0] + lean * k * 0.5, foot[1] - scale * 0.75 * k, r, r * 0.8, colour, 0.28 - 0.04 * k)
