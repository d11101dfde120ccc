"""A robot and a dragon."""

from __future__ import annotations

import math

from gpu_agents.engines.sketch.body import Body, Spot
from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.stage import Stage


def robot(stage: Stage, spot: Spot) -> None:
    """A friendly machine with lit eyes."""
    b = Body(stage, spot, 1.0)
    metal, joint = rgb("#b9c2cc"), rgb("#5c6470")
    b.shadow(0.5)
    for x in (-0.17, 0.17):
        b.line([(x, 0.5), (x, 0.12)], joint, 0.5, 0.12)
        b.shaded([(x - 0.14, 0.02), (x - 0.13, 0.14), (x + 0.13, 0.14), (x + 0.15, 0.02)], metal)
        b.line([(x * 2.1, 1.1), (x * 2.7, 0.85), (x * 2.5, 0.6)], joint, 0.5, 0.09)
        b.dot(x * 2.5, 0.56, 0.08, stage.pal.tone(metal, 0, 0.8))
    b.shaded([(-0.33, 0.5), (-0.37, 1.0), (-0.27, 1.18), (0.27, 1.18), (0.37, 1.0), (0.33, 0.5), (0.0, 0.44)], metal)
    b.blob([(-0.2, 0.72), (-0.2, 1.0), (0.2, 1.0), (0.2, 0.72)], joint, 0.4)
    b.shaded([(-0.26, 1.28), (-0.28, 1.5), (-0.18, 1.64), (0.18, 1.64), (0.28, 1.5), (0.26, 1.28)], metal)
    b.blob([(-0.2, 1.36), (-0.2, 1.52), (0.2, 1.52), (0.2, 1.36)], rgb("#1c242e"), 0.4)
    b.line([(0.0, 1.64), (0.0, 1.8)], joint, 0.5, 0.025)
    glow = rgb("#5fe0ff")
    b.dot(0.0, 1.82, 0.04, rgb("#ff6a5c"))
    for x in (-0.09, 0.09):
        b.dot(x, 1.44, 0.05, glow)
        stage.lamps.append((*b.at(x, 1.44), 0.22 * b.scale, times(glow, 0.7)))
    b.dot(0.0, 0.86, 0.075, mix(glow, (1.0, 1.0, 1.0), 0.3))
    stage.lamps.append((*b.at(0, 0.86), 0.3 * b.scale, times(glow, 0.6)))


def dragon(stage: Stage, spot: Spot) -> None:  # noqa: ARG001  (one signature for all)
    """A long dragon that winds through the clouds."""
    view, pal, canvas, rng = stage.view, stage.pal, stage.sky_layer, stage.rng("dragon")
    u = view.height * 0.05
    side = -view.side
    x0, y0 = view.width * (0.5 + side * 0.42), view.height * 0.34
    spine = [
        (x0 - side * u * (0.32 * k), y0 + math.sin(k * 0.42) * u * (1.7 - 0.02 * k) - k * 0.03 * u) for k in range(34)
    ]
    scale, belly = rgb("#b5382c"), rgb("#e0b04a")
    for k, (x, y) in enumerate(spine):
        girth = u * (0.12 + 0.42 * math.sin(math.pi * min(1.0, (k + 3) / 34)) ** 0.8)
        canvas.ellipse(x, y + girth * 0.16, girth, girth, pal.tone(times(scale, 0.6), 0.12, 0.2))
        canvas.ellipse(x, y, girth * 0.92, girth * 0.88, pal.tone(scale, 0.12, 0.65))
        if k % 2 == 0:
            canvas.polygon(
                [
                    (x - girth * 0.35, y - girth * 0.75),
                    (x + side * girth * 0.3, y - girth * 1.5),
                    (x + girth * 0.35, y - girth * 0.75),
                ],
                pal.tone(belly, 0.12, 0.8),
            )
        canvas.ellipse(x, y + girth * 0.45, girth * 0.5, girth * 0.28, pal.tone(belly, 0.12, 0.6), 0.8)
    hx, hy = spine[-1]
    d = -side
    canvas.blob(
        [
            (hx - d * 0.5 * u, hy - 0.4 * u),
            (hx + d * 0.4 * u, hy - 0.6 * u),
            (hx + d * 1.5 * u, hy - 0.15 * u),
            (hx + d * 1.4 * u, hy + 0.2 * u),
            (hx + d * 0.3 * u, hy + 0.5 * u),
            (hx - d * 0.4 * u, hy + 0.4 * u),
        ],
        pal.tone(scale, 0.1, 0.85),
    )
    canvas.stroke(
        [(hx + d * 0.5 * u, hy + 0.2 * u), (hx + d * 1.35 * u, hy + 0.08 * u)],
        pal.tone(rgb("#5a1a14"), 0.1, 0.3),
        0.08 * u,
    )
    for k in range(2):
        canvas.stroke(
            [
                (hx, hy - 0.5 * u),
                (hx - d * 0.5 * u, hy - (1.1 + 0.3 * k) * u),
                (hx - d * (0.9 + 0.3 * k) * u, hy - 1.15 * u),
            ],
            pal.tone(belly, 0.1, 0.9),
            0.13 * u,
        )
        canvas.stroke(
            [
                (hx + d * 1.4 * u, hy),
                (hx + d * 1.9 * u, hy + (0.4 - 0.8 * k) * u),
                (hx + d * 1.5 * u, hy + (0.9 - 1.6 * k) * u),
            ],
            pal.tone(belly, 0.1, 0.9),
            0.05 * u,
        )
    for _ in range(9):
        canvas.stroke(
            [(hx - d * 0.2 * u, hy), (hx - d * rng.uniform(0.6, 1.0) * u, hy + rng.uniform(-0.5, 0.6) * u)],
            pal.tone(rgb("#f0dca0"), 0.1, 0.9),
            0.07 * u,
        )
    canvas.ellipse(hx + d * 0.6 * u, hy - 0.28 * u, 0.12 * u, 0.12 * u, rgb("#ffe36a"))
    stage.lamps.append((hx + d * 0.6 * u, hy - 0.28 * u, 0.7 * u, rgb("#ffb040")))
