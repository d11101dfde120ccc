"""Boats, cars, balloons and ships."""

from __future__ import annotations

import math

from gpu_agents.engines.sketch.body import Spot
from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.solids import soft_ellipse
from gpu_agents.engines.sketch.stage import Stage


def boat(stage: Stage, spot: Spot) -> None:
    """A boat, on the water where there is some."""
    view, pal = stage.view, stage.pal
    on_water = stage.water is not None
    x = view.width * (0.5 - view.side * 0.2)
    y = (
        view.horizon + (view.height - view.horizon) * (0.14 if view.horizon < view.height * 0.7 else 0.3)
        if on_water
        else spot[0][1]
    )
    u = view.height * 0.055 if on_water else spot[1]
    x = x if on_water else spot[0][0]
    canvas = stage.middle
    hull = rgb("#6b4530")
    soft_ellipse(canvas, x, y + 0.3 * u, 2.6 * u, 0.35 * u, times(pal.shadow, 0.4), 0.5)
    canvas.path(
        f"M{x - 2.4 * u:.1f} {y - 0.75 * u:.1f}Q{x - 1.4 * u:.1f} {y + 0.35 * u:.1f} {x:.1f} {y + 0.3 * u:.1f}"
        f"Q{x + 1.5 * u:.1f} {y + 0.35 * u:.1f} {x + 2.5 * u:.1f} {y - 0.85 * u:.1f}"
        f"Q{x:.1f} {y - 0.25 * u:.1f} {x - 2.4 * u:.1f} {y - 0.75 * u:.1f}Z",
        canvas.linear(
            (0, y - u), (0, y + 0.4 * u), [(0.0, pal.tone(hull, 0.08, 0.9), 1.0), (1.0, pal.tone(hull, 0.05, 0.1), 1.0)]
        ),
    )
    sail = pal.tone(rgb("#ead9b4"), 0.1, 0.9)
    canvas.stroke([(x, y - 0.3 * u), (x, y - 4.3 * u)], pal.tone(rgb("#4a3426"), 0.05, 0.4), max(1.5, 0.1 * u))
    fill = canvas.linear((x - u, 0), (x + 2 * u, 0), [(0.0, pal.tone(rgb("#ead9b4"), 0.1, 0.5), 1.0), (1.0, sail, 1.0)])
    canvas.path(
        f"M{x + 0.1 * u:.1f} {y - 4.2 * u:.1f}Q{x + 2.3 * u:.1f} {y - 2.6 * u:.1f} {x + 1.7 * u:.1f}"
        f" {y - 0.8 * u:.1f}L{x + 0.1 * u:.1f} {y - 0.65 * u:.1f}Z",
        fill,
    )
    canvas.path(
        f"M{x - 0.1 * u:.1f} {y - 3.9 * u:.1f}Q{x - 1.5 * u:.1f} {y - 2.0 * u:.1f} {x - 1.5 * u:.1f}"
        f" {y - 0.9 * u:.1f}L{x - 0.1 * u:.1f} {y - 0.7 * u:.1f}Z",
        pal.tone(rgb("#ead9b4"), 0.12, 0.35),
    )
    for k in range(3):
        yy = y - (3.2 - 0.8 * k) * u
        canvas.stroke(
            [(x + 0.1 * u, yy), (x + (1.0 + 0.3 * k) * u, yy + 0.2 * u)],
            pal.tone(rgb("#a08a60"), 0.1, 0.4),
            max(0.8, 0.04 * u),
            0.6,
        )
    stage.lamp(x - 1.9 * u, y - 1.1 * u, 1.2 * u)


def car(stage: Stage, spot: Spot) -> None:
    """A car seen from its side."""
    (x, y), s = spot
    pal, canvas = stage.pal, stage.middle
    soft_ellipse(canvas, x, y, 2.1 * s, 0.22 * s, (0.02, 0.02, 0.04), 0.7)
    body = stage.rng("car").choice((rgb("#b8392f"), rgb("#d6a83a"), rgb("#3f6f9c"), rgb("#5c6470")))
    canvas.path(
        f"M{x - 1.9 * s:.1f} {y - 0.25 * s:.1f}v{-0.45 * s:.1f}q{0.1 * s:.1f} {-0.18 * s:.1f} {0.7 * s:.1f}"
        f" {-0.24 * s:.1f}q{0.45 * s:.1f} {-0.5 * s:.1f} {1.2 * s:.1f} {-0.5 * s:.1f}q{0.7 * s:.1f}"
        f" 0 {1.0 * s:.1f} {0.5 * s:.1f}q{0.8 * s:.1f} {0.05 * s:.1f} {0.9 * s:.1f} {0.3 * s:.1f}"
        f"v{0.39 * s:.1f}z",
        canvas.linear(
            (0, y - 1.4 * s),
            (0, y - 0.2 * s),
            [
                (0.0, pal.tone(body, 0, 1.0), 1.0),
                (0.5, pal.tone(body, 0, 0.6), 1.0),
                (1.0, pal.tone(body, 0, 0.1), 1.0),
            ],
        ),
    )
    canvas.path(
        f"M{x - 1.0 * s:.1f} {y - 0.95 * s:.1f}q{0.35 * s:.1f} {-0.38 * s:.1f} {0.95 * s:.1f} {-0.38 * s:.1f}"
        f"q{0.55 * s:.1f} 0 {0.8 * s:.1f} {0.38 * s:.1f}z",
        mix(pal.tone(rgb("#2c3846"), 0, 0.4), pal.sky[2], 0.3),
    )
    for dx in (-1.15, 1.2):
        canvas.ellipse(x + dx * s, y - 0.25 * s, 0.34 * s, 0.34 * s, rgb("#17181c"))
        canvas.ellipse(x + dx * s, y - 0.25 * s, 0.18 * s, 0.18 * s, pal.tone(rgb("#a9adb4"), 0, 0.6))
    canvas.ellipse(x + 1.8 * s, y - 0.62 * s, 0.1 * s, 0.08 * s, rgb("#fff2c4"))
    stage.lamp(x + 1.85 * s, y - 0.62 * s, 1.0 * s)


def balloon(stage: Stage, spot: Spot) -> None:  # noqa: ARG001  (one signature for all)
    """Three hot-air balloons in the sky."""
    view, pal, canvas, rng = stage.view, stage.pal, stage.sky_layer, stage.rng("balloon")
    for k in range(3):
        r = view.height * (0.10, 0.05, 0.034)[k]
        x, y = view.width * (0.5 - view.side * (0.16, 0.36, 0.02)[k]), view.height * (0.26, 0.2, 0.36)[k]
        tints = rng.sample(("#d8503f", "#f0c04a", "#4a8ac0", "#f2ece0", "#6aa86a", "#a86ab8"), 2)
        for n in range(7):
            half = r * math.cos(math.pi * n / 14)
            canvas.ellipse(x, y, half, r * 1.08, pal.tone(rgb(tints[n % 2]), 0.15 + 0.1 * k, 0.55 + 0.06 * n))
        canvas.polygon(
            [
                (x - r * 0.45, y + r * 0.92),
                (x + r * 0.45, y + r * 0.92),
                (x + r * 0.12, y + r * 1.5),
                (x - r * 0.12, y + r * 1.5),
            ],
            pal.tone(rgb(tints[0]), 0.2, 0.3),
        )
        canvas.rect(x - r * 0.14, y + r * 1.62, r * 0.28, r * 0.2, pal.tone(rgb("#7a5236"), 0.15, 0.5), 1.0, r * 0.03)
        for dx in (-0.12, 0.12):
            canvas.stroke(
                [(x + dx * r, y + r * 1.45), (x + dx * r, y + r * 1.65)],
                pal.tone(rgb("#4a3426"), 0.15, 0.4),
                max(0.8, r * 0.015),
            )


def spaceship(stage: Stage, spot: Spot) -> None:  # noqa: ARG001  (one signature for all)
    """A spaceship in the sky."""
    view, canvas = stage.view, stage.sky_layer
    x, y, u = view.width * (0.5 + view.side * 0.12), view.height * 0.42, view.height * 0.05
    metal, glow = rgb("#aab4c4"), rgb("#6ad0ff")
    for k in range(5):
        canvas.ellipse(
            x - (3.4 + 0.7 * k) * u,
            y + (0.2 + 0.12 * k) * u,
            (0.9 - 0.1 * k) * u,
            (0.22 - 0.03 * k) * u,
            glow,
            0.5 - 0.08 * k,
        )
    canvas.path(
        f"M{x + 4 * u:.1f} {y - 0.3 * u:.1f}Q{x + 1.2 * u:.1f} {y - 1.2 * u:.1f} {x - 3 * u:.1f}"
        f" {y - 0.7 * u:.1f}L{x - 3.3 * u:.1f} {y + 0.4 * u:.1f}Q{x + 0.5 * u:.1f} {y + 0.7 * u:.1f}"
        f" {x + 4 * u:.1f} {y - 0.3 * u:.1f}Z",
        canvas.linear(
            (0, y - u),
            (0, y + 0.7 * u),
            [(0.0, stage.pal.tone(metal, 0, 1.0), 1.0), (1.0, stage.pal.tone(metal, 0, 0.1), 1.0)],
        ),
    )
    for side, drop in ((-1, -1.7), (1, 1.3)):
        canvas.polygon(
            [
                (x - 0.2 * u, y + side * 0.35 * u),
                (x - 2.7 * u, y + drop * u),
                (x - 3.2 * u, y + drop * u * 0.95),
                (x - 2.2 * u, y + side * 0.2 * u),
            ],
            stage.pal.tone(times(metal, 0.7), 0, 0.3 if side > 0 else 0.8),
        )
    canvas.path(
        f"M{x + 2.2 * u:.1f} {y - 0.72 * u:.1f}Q{x + 1.4 * u:.1f} {y - 1.25 * u:.1f} {x + 0.5 * u:.1f}"
        f" {y - 0.98 * u:.1f}Z",
        mix(glow, (1.0, 1.0, 1.0), 0.5),
    )
    for k in range(7):
        canvas.ellipse(x + (1.6 - 0.6 * k) * u, y - 0.1 * u, 0.08 * u, 0.08 * u, rgb("#ffe9a8"))
    stage.lamps.append((x - 3.5 * u, y, 2.2 * u, glow))
