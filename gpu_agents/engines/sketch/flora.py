"""Plants: pines, broad crowns, bamboo, palms, bushes, grass. All take a foot point and a height in pixels."""

from __future__ import annotations

import math
import random

from gpu_agents.engines.sketch.colour import RGB, mix, rgb
from gpu_agents.engines.sketch.palette import Palette
from gpu_agents.engines.sketch.svg import Canvas, Point

BARK = rgb("#5b4636")
PINE = rgb("#2f5d46")
LEAF = rgb("#5c8a3e")
BAMBOO = rgb("#6f9a4b")


def pine(
    canvas: Canvas, rng: random.Random, foot: Point, height: float, pal: Palette, depth: float, snow: bool = False
) -> None:
    """A conifer of ragged tiers, its sunny side lighter."""
    x, y = foot
    width = height * rng.uniform(0.34, 0.46)
    dark, light = pal.tone(PINE, depth, 0.25), pal.tone(PINE, depth, 0.8)
    canvas.rect(x - height * 0.02, y - height * 0.2, height * 0.04, height * 0.2, pal.tone(BARK, depth, 0.3))
    tiers = 5 if height > 30 else 3
    for tier in range(tiers):
        t = tier / tiers
        low, top = y - height * (0.1 + 0.78 * t), y - height * min(1.0, 0.42 + 0.78 * t)
        half = width / 2 * (1 - t * 0.82)
        lean = rng.uniform(-0.08, 0.08) * half
        left: list[Point] = [
            (x - half, low),
            (x - half * 0.55, low - height * 0.035),
            (x - half * 0.3, low + height * 0.01),
        ]
        right: list[Point] = [
            (x + half * 0.25, low - height * 0.01),
            (x + half * 0.6, low - height * 0.03),
            (x + half, low + height * 0.012),
        ]
        canvas.polygon([(x + lean, top), *left, *right], dark)
        canvas.polygon([(x + lean, top), (x + half * 0.1, low - height * 0.05), *right], light, 0.75)
        if snow:
            white = pal.tone(rgb("#f4f8ff"), depth, 0.9)
            canvas.polygon(
                [
                    (x + lean, top),
                    (x - half * 0.6, low - height * 0.06),
                    (x - half * 0.1, low - height * 0.1),
                    (x + half * 0.5, low - height * 0.05),
                ],
                white,
                0.9,
            )


def broadleaf(
    canvas: Canvas, rng: random.Random, foot: Point, height: float, pal: Palette, depth: float, leaf: RGB = LEAF
) -> None:
    """A round crown of overlapping puffs in three lights, over a forked trunk."""
    x, y = foot
    trunk = pal.tone(BARK, depth, 0.35)
    w = height * 0.035
    canvas.path(
        f"M{x - w * 1.6:.1f} {y:.1f}Q{x - w:.1f} {y - height * 0.2:.1f} {x - w * 0.6:.1f} {y - height * 0.55:.1f}"
        f"L{x + w * 0.6:.1f} {y - height * 0.55:.1f}Q{x + w:.1f} {y - height * 0.2:.1f} {x + w * 1.6:.1f} {y:.1f}Z",
        trunk,
    )
    for side in (-1, 1):
        canvas.stroke(
            [
                (x, y - height * 0.32),
                (x + side * height * 0.12, y - height * 0.5),
                (x + side * height * 0.2, y - height * 0.62),
            ],
            trunk,
            w * 0.7,
        )
    big = height > 60
    for shade, count, spread, rise in (
        (0.15, 6, 0.30, 0.60),
        (0.5, 6 if big else 4, 0.25, 0.68),
        (0.95, 5 if big else 3, 0.18, 0.77),
    ):
        colour = pal.tone(leaf, depth, shade)
        for i in range(count):
            angle = 2 * math.pi * (i + rng.random() * 0.6) / count
            cx = x + math.cos(angle) * height * spread + (0.03 * height if shade > 0.5 else 0)
            cy = y - height * rise + math.sin(angle) * height * spread * 0.62
            r = height * rng.uniform(0.09, 0.16)
            puff = [
                (cx + math.cos(a) * r * rng.uniform(0.85, 1.15), cy + math.sin(a) * r * rng.uniform(0.72, 0.95))
                for a in (k * math.pi / 4 for k in range(8))
            ]
            canvas.blob(puff, colour, 0.95)


def bamboo(canvas: Canvas, rng: random.Random, foot: Point, height: float, pal: Palette, depth: float) -> None:
    """One stalk with nodes and hanging leaves."""
    x, y = foot
    width = max(1.2, height * rng.uniform(0.011, 0.017))
    lean = rng.uniform(-0.06, 0.06) * height
    dark, light = pal.tone(BAMBOO, depth, 0.2), pal.tone(BAMBOO, depth, 0.85)
    canvas.stroke([(x, y), (x + lean * 0.3, y - height * 0.5), (x + lean, y - height)], dark, width)
    canvas.stroke(
        [(x + width * 0.22, y), (x + lean * 0.3 + width * 0.22, y - height * 0.5), (x + lean, y - height)],
        light,
        width * 0.35,
    )
    joints = 11
    for i in range(1, joints):
        t = i / joints
        jx, jy = x + lean * t * t, y - height * t
        canvas.stroke([(jx - width * 0.6, jy), (jx + width * 0.6, jy)], pal.tone(BAMBOO, depth, 0.05), width * 0.18)
        if t > 0.35 and rng.random() < 0.75:
            for _ in range(5):
                leaf_at(canvas, rng, (jx, jy), height * rng.uniform(0.035, 0.07), light if rng.random() < 0.5 else dark)


def leaf_at(canvas: Canvas, rng: random.Random, at: Point, size: float, colour: RGB, width: float = 0.13) -> None:
    """One pointed leaf that hangs to either side."""
    angle = rng.uniform(0.1, 1.2) * rng.choice((-1, 1))
    dx, dy = math.sin(angle) * size, math.cos(angle) * size * 0.8
    nx, ny = -dy * width, dx * width
    x, y = at
    canvas.path(
        f"M{x:.1f} {y:.1f}Q{x + dx * 0.5 + nx:.1f} {y + dy * 0.5 + ny:.1f} {x + dx:.1f} {y + dy:.1f}"
        f"Q{x + dx * 0.5 - nx:.1f} {y + dy * 0.5 - ny:.1f} {x:.1f} {y:.1f}Z",
        colour,
        0.9,
    )


def palm(canvas: Canvas, rng: random.Random, foot: Point, height: float, pal: Palette, depth: float) -> None:
    """A bent trunk and a star of fronds."""
    x, y = foot
    lean = rng.uniform(0.1, 0.3) * height * rng.choice((-1, 1))
    top = (x + lean, y - height * 0.86)
    canvas.stroke([(x, y), (x + lean * 0.35, y - height * 0.45), top], pal.tone(BARK, depth, 0.4), height * 0.035)
    for i in range(9):
        angle = math.pi * (0.05 + 0.9 * i / 8) + rng.uniform(-0.1, 0.1)
        reach = height * rng.uniform(0.28, 0.4)
        tip = (top[0] + math.cos(angle) * reach, top[1] - math.sin(angle) * reach * 0.45 + reach * 0.28)
        peak = (top[0] + math.cos(angle) * reach * 0.5, top[1] - math.sin(angle) * reach * 0.55 - reach * 0.05)
        colour = pal.tone(rgb("#4d8a4a"), depth, 0.2 + 0.7 * (i % 2))
        canvas.path(
            f"M{top[0]:.1f} {top[1]:.1f}Q{peak[0]:.1f} {peak[1]:.1f} {tip[0]:.1f} {tip[1]:.1f}"
            f"Q{peak[0]:.1f} {peak[1] + reach * 0.16:.1f} {top[0]:.1f} {top[1]:.1f}Z",
            colour,
        )


def bush(
    canvas: Canvas, rng: random.Random, foot: Point, size: float, pal: Palette, depth: float, leaf: RGB = LEAF
) -> None:
    """A low heap of puffs."""
    x, y = foot
    for shade, scale in ((0.12, 1.0), (0.55, 0.72), (0.9, 0.42)):
        points = [
            (
                x + math.cos(a) * size * scale * rng.uniform(0.9, 1.1),
                y - size * 0.3 - abs(math.sin(a)) * size * scale * 0.55 * rng.uniform(0.8, 1.2) if a < math.pi else y,
            )
            for a in (k * math.pi / 5 for k in range(10))
        ]
        canvas.blob(points, pal.tone(leaf, depth, shade), 0.95)


def grass(canvas: Canvas, rng: random.Random, foot: Point, size: float, colour: RGB, blades: int = 5) -> None:
    """A tuft of curved blades as one path."""
    x, y = foot
    data = []
    for _ in range(blades):
        lean, tall, base = (
            rng.uniform(-0.6, 0.6) * size,
            size * rng.uniform(0.5, 1.1),
            x + rng.uniform(-0.4, 0.4) * size,
        )
        half = size * 0.045
        data.append(
            f"M{base - half:.1f} {y:.1f}Q{base:.1f} {y - tall * 0.6:.1f} {base + lean:.1f} {y - tall:.1f}"
            f"Q{base + half:.1f} {y - tall * 0.5:.1f} {base + half:.1f} {y:.1f}Z"
        )
    canvas.path("".join(data), colour)


def flower_patch(canvas: Canvas, rng: random.Random, foot: Point, size: float, colour: RGB) -> None:
    """A few blossoms seen from afar."""
    for _ in range(5):
        x, y = foot[0] + rng.uniform(-1, 1) * size, foot[1] - rng.uniform(0, 0.5) * size
        r = size * rng.uniform(0.09, 0.17)
        canvas.ellipse(x, y, r, r * 0.75, mix(colour, (1.0, 1.0, 1.0), rng.random() * 0.35))
