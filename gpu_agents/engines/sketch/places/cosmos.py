"""Open space: nebula, planets, a strange ground under a foreign sky."""

from __future__ import annotations

import math

from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.places import land, ridges
from gpu_agents.engines.sketch.stage import Stage

_CLOUDS = ("#7a3fb8", "#2f6fd0", "#d04f8a", "#2fa8a0", "#d08a3f")


def space(stage: Stage) -> None:
    """Stars, a nebula, a ringed planet and a moon over a cratered plain."""
    view, pal, canvas = stage.view, stage.pal, stage.back
    rng = stage.rng("space")
    w, h = view.width, view.height
    canvas.rect(
        0,
        0,
        w,
        h,
        canvas.linear(
            (0, 0),
            (w * 0.4, h),
            [(0.0, rgb("#04050f"), 1.0), (0.55, rgb("#0c1338"), 1.0), (1.0, mix(rgb("#2a1a4e"), pal.haze, 0.3), 1.0)],
        ),
    )
    tints = rng.sample(_CLOUDS, 3)
    for k in range(30):
        t = k / 29
        x, y = w * (0.05 + 0.9 * t) + rng.gauss(0, w * 0.06), h * (0.62 - 0.5 * t) + rng.gauss(0, h * 0.09)
        radius = h * rng.uniform(0.09, 0.3)
        tint = times(rgb(tints[k % 3]), 1.1)
        canvas.ellipse(
            x, y, radius, radius, canvas.radial(x, y, radius, [(0.0, tint, 0.5), (0.5, tint, 0.2), (1.0, tint, 0.0)])
        )
    for _ in range(420):
        x, y, size = rng.random() * w, rng.random() * h, h * (0.0007 + 0.002 * rng.random() ** 4)
        canvas.ellipse(x, y, size, size, mix(rgb("#bcd4ff"), rgb("#fff0d4"), rng.random()), 0.35 + 0.65 * rng.random())
    for _ in range(6):
        x, y = rng.random() * w, rng.random() * h * 0.7
        canvas.glow(x, y, h * 0.02, rgb("#dce8ff"), 0.8)
    centre = (w * (0.5 - view.side * 0.22), h * 0.32)
    stage.sun = (w * (0.5 - view.side * 0.46), h * 0.08)
    _planet(
        stage,
        centre,
        h * rng.uniform(0.14, 0.2),
        rng.choice(("#c98a5a", "#5a8ac9", "#9a6ac0", "#5ab0a0")),
        rings=rng.random() < 0.7,
    )
    _planet(stage, (w * (0.5 + view.side * 0.3), h * 0.16), h * 0.045, "#b8b4b0", rings=False)
    if view.horizon < h * 0.95 and "spaceship" not in stage.brief.objects:
        ridges.ridge(stage, "crater-rim", view.horizon + 3, view.far * 0.12, 0.3, rgb("#6a6078"), 3.0, 0.45)
        land.ground(stage, rgb("#837890"), far_depth=0.45)
        _craters(stage)
        land.rocks(stage, "rocks", 12, view.figure_depth, 40, (0.2, 0.8), rgb("#837890"))


def _planet(stage: Stage, centre: tuple[float, float], radius: float, tint: str, rings: bool) -> None:
    canvas, side = stage.back, stage.view.side
    x, y = centre
    local = rgb(tint)
    lx = x - side * radius * 0.5
    canvas.glow(x, y, radius * 1.8, local, 0.25)
    ring = mix(local, (1.0, 1.0, 1.0), 0.45)
    if rings:
        _ring(stage, centre, radius, ring, back=True)
    canvas.ellipse(
        x,
        y,
        radius,
        radius,
        canvas.radial(
            lx,
            y - radius * 0.4,
            radius * 1.75,
            [
                (0.0, mix(local, (1.0, 1.0, 1.0), 0.55), 1.0),
                (0.4, local, 1.0),
                (0.8, times(local, 0.25), 1.0),
                (1.0, times(local, 0.06), 1.0),
            ],
        ),
    )
    for k in range(5):
        band = (k - 2) * 0.34
        half = math.sqrt(max(0.0, 1 - band * band)) * radius
        canvas.ellipse(x, y + band * radius, half * 0.98, radius * 0.05, times(local, 0.7 if k % 2 else 1.25), 0.2)
    if rings:
        _ring(stage, centre, radius, ring, back=False)


def _ring(
    stage: Stage, centre: tuple[float, float], radius: float, tint: tuple[float, float, float], back: bool
) -> None:
    x, y = centre
    for grow, opacity in ((1.5, 0.35), (1.72, 0.7), (1.95, 0.45)):
        points = []
        for k in range(25):
            angle = math.pi * k / 24 + (math.pi if back else 0.0)
            dx, dy = math.cos(angle) * radius * grow, math.sin(angle) * radius * grow * 0.26
            points.append((x + dx * 0.96 - dy * 0.28, y + dy * 0.96 + dx * 0.28))
        stage.back.stroke(points, tint, radius * 0.07, opacity)


def _craters(stage: Stage) -> None:
    view, pal, rng = stage.view, stage.pal, stage.rng("craters")
    for _ in range(16):
        y = view.horizon + (view.height - view.horizon) * rng.uniform(0.06, 1.0)
        t = (y - view.horizon) / (view.height - view.horizon)
        rx = view.width * rng.uniform(0.015, 0.07) * (0.3 + t)
        ry = rx * min(0.5, 0.1 + view.eye / 40)
        x = rng.random() * view.width
        stage.middle.ellipse(x, y, rx, ry, pal.tone(rgb("#837890"), 0.2 * (1 - t), 1.0), 0.55)
        stage.middle.ellipse(
            x + rx * 0.06, y + ry * 0.14, rx * 0.9, ry * 0.84, pal.tone(rgb("#4a4258"), 0.2 * (1 - t), 0.2), 0.75
        )
