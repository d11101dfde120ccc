"""Furniture and fittings; positions in metres, (x, z) = middle of the front edge unless said otherwise."""

from __future__ import annotations

import random

from gpu_agents.engines.sketch.colour import RGB, mix, rgb, times
from gpu_agents.engines.sketch.solids import box, contact_shadow, quad, rect_at
from gpu_agents.engines.sketch.stage import Stage

WOOD = rgb("#7a5236")
BOOKS = (rgb("#8c3b34"), rgb("#3f5f7f"), rgb("#6b7a4a"), rgb("#b08a45"), rgb("#5c4468"), rgb("#c9bfa6"), rgb("#3d3f4a"))


def table(stage: Stage, x: float, z: float, w: float, d: float, h: float = 0.75, colour: RGB = WOOD) -> None:
    """Four legs and a top."""
    canvas = stage.middle
    contact_shadow(stage, canvas, x, z + d / 2, w * 1.1, 0.4)
    for lx, lz in ((-0.46, 0.9), (0.42, 0.9), (-0.46, 0.05), (0.42, 0.05)):
        box(stage, canvas, (x + lx * w, 0, z + lz * d), (0.07, h, 0.07), times(colour, 0.75))
    box(stage, canvas, (x - w / 2, h - 0.07, z), (w, 0.07, d), colour)


def chair(stage: Stage, x: float, z: float, colour: RGB = WOOD, facing: int = 1) -> None:
    """A seat with a back; `facing` 1 looks away from the eye."""
    canvas = stage.middle
    contact_shadow(stage, canvas, x, z + 0.2, 0.55, 0.35)
    for lx, lz in ((-0.2, 0.36), (0.16, 0.36), (-0.2, 0.0), (0.16, 0.0)):
        box(stage, canvas, (x + lx, 0, z + lz), (0.045, 0.45, 0.045), times(colour, 0.75))
    back = (x - 0.21, 0.45, z + (0.0 if facing > 0 else 0.38))
    if facing < 0:
        box(stage, canvas, back, (0.42, 0.5, 0.04), times(colour, 0.9))
    box(stage, canvas, (x - 0.22, 0.43, z), (0.44, 0.05, 0.42), colour)
    if facing > 0:
        for k in range(4):
            box(stage, canvas, (x - 0.2 + 0.12 * k, 0.45, z), (0.04, 0.5, 0.03), colour)
        box(stage, canvas, (x - 0.22, 0.93, z), (0.44, 0.08, 0.03), colour)


def stool(stage: Stage, x: float, z: float, colour: RGB = WOOD) -> None:
    """A round drum stool."""
    view, pal, canvas = stage.view, stage.pal, stage.middle
    contact_shadow(stage, canvas, x, z, 0.45, 0.4)
    px, py = view.at(x, 0, z)
    s = view.scale(z)
    fill = canvas.linear(
        (px - 0.2 * s, 0),
        (px + 0.2 * s, 0),
        [(0.0, pal.tone(colour, 0, 0.8), 1.0), (1.0, pal.tone(colour, 0, 0.15), 1.0)],
    )
    canvas.blob(
        [
            (px - 0.15 * s, py),
            (px - 0.2 * s, py - 0.22 * s),
            (px - 0.16 * s, py - 0.44 * s),
            (px + 0.16 * s, py - 0.44 * s),
            (px + 0.2 * s, py - 0.22 * s),
            (px + 0.15 * s, py),
        ],
        fill,
    )
    canvas.ellipse(
        px, py - 0.44 * s, 0.17 * s, 0.17 * s * min(0.5, view.eye / z * 0.7), pal.tone(times(colour, 1.2), 0, 0.9)
    )


def bookshelf(
    stage: Stage, x: float, z: float, w: float, h: float, seed: str, colour: RGB = WOOD, shelves: int = 5
) -> None:
    """A case full of books against the back wall; (x, z) = lower left corner of its front."""
    rng = stage.rng(f"books{seed}")
    canvas, pal = stage.back, stage.pal
    box(stage, canvas, (x, 0, z), (w, h, 0.35), colour, (0.9, 0.45, 0.3))
    left, top, pw, ph = rect_at(stage, x, 0, z, w, h)
    margin = pw * 0.03
    row = (ph - margin) / shelves
    for k in range(shelves):
        y = top + margin + row * k
        canvas.rect(left + margin, y, pw - 2 * margin, row - margin, pal.tone(times(colour, 0.4), 0.03, 0.25))
        _books(stage, rng, left + margin, y + row - margin, pw - 2 * margin, row - margin)


def _books(stage: Stage, rng: random.Random, left: float, base: float, width: float, height: float) -> None:
    x, canvas, pal = left, stage.back, stage.pal
    while x < left + width * 0.97:
        w = min(height * rng.uniform(0.09, 0.22), left + width - x)
        if rng.random() < 0.08:
            x += w * 2.2
            continue
        tall = height * rng.uniform(0.62, 0.93)
        colour = rng.choice(BOOKS)
        canvas.rect(x, base - tall, w * 0.94, tall, pal.tone(colour, 0.04, rng.uniform(0.45, 0.9)))
        if w > 4:
            canvas.rect(x + w * 0.1, base - tall * 0.8, w * 0.74, tall * 0.05, pal.tone(rgb("#d9c48a"), 0.04, 0.8), 0.8)
        x += w


def side_shelf(stage: Stage, x: float, near: float, far: float, h: float, seed: str, colour: RGB = WOOD) -> None:
    """Bookshelves along a side wall (x < 0 left), in perspective."""
    rng, view, pal, canvas = stage.rng(f"side{seed}"), stage.view, stage.pal, stage.back
    quad(stage, canvas, [(x, 0, near), (x, h, near), (x, h, far), (x, 0, far)], times(colour, 0.5), 0.3)
    rows, bays = 5, 64
    for r in range(rows):
        y1, y2 = h * (r + 0.1) / rows, h * (r + 0.86) / rows
        for k in range(bays):
            a, b = near * (far / near) ** (k / bays), near * (far / near) ** ((k + 0.93) / bays)
            top = y1 + (y2 - y1) * rng.uniform(0.65, 1.0)
            canvas.polygon(
                [view.at(x, y1, a), view.at(x, top, a), view.at(x, top, b), view.at(x, y1, b)],
                pal.tone(rng.choice(BOOKS), 0.04, rng.uniform(0.3, 0.7)),
            )
        quad(stage, canvas, [(x, y1 - 0.05, near), (x, y1, near), (x, y1, far), (x, y1 - 0.05, far)], colour, 0.6)


def candle(stage: Stage, x: float, y: float, z: float, size: float = 0.22) -> None:
    """A candle with its flame; y = height of its foot."""
    view, canvas = stage.view, stage.middle
    px, py = view.at(x, y, z)
    s = view.scale(z) * size
    canvas.rect(px - 0.14 * s, py - s, 0.28 * s, s, stage.pal.tone(rgb("#efe4c8"), 0, 0.9), 1.0, 0.05 * s)
    flame = rgb("#ffe9a8")
    canvas.path(
        f"M{px:.1f} {py - 1.75 * s:.1f}Q{px + 0.26 * s:.1f} {py - 1.25 * s:.1f} {px:.1f} {py - 1.02 * s:.1f}"
        f"Q{px - 0.26 * s:.1f} {py - 1.25 * s:.1f} {px:.1f} {py - 1.75 * s:.1f}Z",
        flame,
    )
    stage.lamps.append((px, py - 1.35 * s, 3.6 * s, mix(rgb("#ff9a3c"), flame, 0.25)))


def pendant(stage: Stage, x: float, z: float, room_height: float, drop: float = 0.9, colour: RGB = WOOD) -> None:
    """A lamp that hangs from the ceiling."""
    view, pal, canvas = stage.view, stage.pal, stage.middle
    top, low = view.at(x, room_height, z), view.at(x, room_height - drop, z)
    s = view.scale(z)
    canvas.stroke([top, low], pal.tone(rgb("#222226"), 0, 0.3), max(1.0, 0.02 * s))
    canvas.polygon(
        [
            (low[0] - 0.08 * s, low[1]),
            (low[0] + 0.08 * s, low[1]),
            (low[0] + 0.26 * s, low[1] + 0.2 * s),
            (low[0] - 0.26 * s, low[1] + 0.2 * s),
        ],
        pal.tone(colour, 0.02, 0.5),
    )
    canvas.ellipse(low[0], low[1] + 0.2 * s, 0.24 * s, 0.055 * s, mix(pal.glow(), (1.0, 1.0, 0.92), 0.5))
    stage.lamp(low[0], low[1] + 0.24 * s, 1.3 * s)


def picture_frame(stage: Stage, x: float, y: float, z: float, w: float, h: float, seed: str) -> None:
    """A small landscape in a frame on the back wall."""
    rng, pal, canvas = stage.rng(f"frame{seed}"), stage.pal, stage.back
    left, top, pw, ph = rect_at(stage, x, y, z, w, h)
    canvas.rect(left - pw * 0.06, top - pw * 0.06, pw * 1.12, ph + pw * 0.12, pal.tone(rgb("#5a3f2a"), 0.03, 0.6))
    canvas.rect(left, top, pw, ph, pal.tone(rgb("#e4dac2"), 0.03, 0.75))
    for k, tint in enumerate((rgb("#a9b2b0"), rgb("#77837f"), rgb("#4d5a58"))):
        y0 = top + ph * (0.45 + 0.16 * k)
        canvas.path(
            f"M{left:.1f} {top + ph:.1f}V{y0:.1f}Q{left + pw * rng.uniform(0.2, 0.5):.1f} {y0 - ph * 0.3:.1f}"
            f" {left + pw * 0.6:.1f} {y0:.1f}T{left + pw:.1f} {y0 - ph * 0.05:.1f}V{top + ph:.1f}"
            f"Z",
            pal.tone(tint, 0.03, 0.6),
            0.8,
        )


def screen(stage: Stage, canvas_name: str, x: float, y: float, z: float, w: float, h: float, seed: str) -> None:
    """A lit display with curves and bars; `canvas_name` is "back" or "middle"."""
    canvas = stage.back if canvas_name == "back" else stage.middle
    rng = stage.rng(f"screen{seed}")
    left, top, pw, ph = rect_at(stage, x, y, z, w, h)
    canvas.rect(
        left - pw * 0.03,
        top - pw * 0.03,
        pw * 1.06,
        ph + pw * 0.06,
        stage.pal.tone(rgb("#20242b"), 0, 0.4),
        1.0,
        pw * 0.03,
    )
    glow = rng.choice((rgb("#4fd8ff"), rgb("#7dffb0"), rgb("#ffb454")))
    canvas.rect(
        left,
        top,
        pw,
        ph,
        canvas.linear(
            (left, top),
            (left, top + ph),
            [(0.0, mix(glow, rgb("#06121c"), 0.72), 1.0), (1.0, mix(glow, rgb("#06121c"), 0.88), 1.0)],
        ),
    )
    points = [(left + pw * (0.05 + 0.9 * k / 11), top + ph * (0.45 - 0.3 * rng.random())) for k in range(12)]
    canvas.stroke(points, glow, max(1.0, ph * 0.02), 0.9)
    for k in range(9):
        tall = ph * rng.uniform(0.06, 0.32)
        canvas.rect(left + pw * (0.07 + 0.1 * k), top + ph * 0.94 - tall, pw * 0.06, tall, glow, 0.7)
    stage.lamps.append((left + pw / 2, top + ph / 2, pw * 0.75, times(glow, 0.35)))


def plant_pot(stage: Stage, x: float, z: float, size: float = 1.0) -> None:
    """A leafy plant in a pot."""
    rng, view, pal, canvas = stage.rng(f"pot{x:.1f}{z:.1f}"), stage.view, stage.pal, stage.middle
    contact_shadow(stage, canvas, x, z, 0.5 * size, 0.4)
    px, py = view.at(x, 0, z)
    s = view.scale(z) * size
    canvas.polygon(
        [(px - 0.16 * s, py), (px - 0.21 * s, py - 0.36 * s), (px + 0.21 * s, py - 0.36 * s), (px + 0.16 * s, py)],
        pal.tone(rgb("#a8583c"), 0, 0.6),
    )
    for k in range(11):
        lean = (k - 5) / 5 + rng.uniform(-0.1, 0.1)
        tip = (px + lean * 0.5 * s, py - (0.36 + rng.uniform(0.45, 0.95) * (1.1 - 0.45 * abs(lean))) * s)
        mid = (px + lean * 0.22 * s, tip[1] * 0.5 + (py - 0.6 * s) * 0.5)
        colour = pal.tone(rgb("#4f7f4a"), 0, rng.uniform(0.2, 0.9))
        canvas.path(
            f"M{px:.1f} {py - 0.36 * s:.1f}Q{mid[0] - 0.07 * s:.1f} {mid[1]:.1f} {tip[0]:.1f} {tip[1]:.1f}"
            f"Q{mid[0] + 0.07 * s:.1f} {mid[1]:.1f} {px:.1f} {py - 0.36 * s:.1f}Z",
            colour,
        )
