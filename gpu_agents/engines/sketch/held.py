"""What a person carries: an umbrella over the head, a sword in the hand."""

from __future__ import annotations

import math

from gpu_agents.engines.sketch.colour import rgb, times
from gpu_agents.engines.sketch.solids import soft_ellipse
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point


def canopy(stage: Stage, canvas: Canvas, centre: Point, radius: float, tilt: float = -0.25) -> None:
    """An oiled-paper umbrella seen from the side; `centre` = middle of its rim, pixels."""
    x, cy = centre
    r = radius
    ribs = 8
    rim = [
        (
            x + math.cos(math.pi + math.pi * k / ribs + tilt) * r,
            cy + math.sin(math.pi + math.pi * k / ribs + tilt) * r * 0.22,
        )
        for k in range(ribs + 1)
    ]
    apex = (x + tilt * 0.6 * r, cy - 0.72 * r)
    for k in range(ribs):
        tint = rgb("#c8433a") if k % 2 else rgb("#d8574a")
        (ax, ay), (bx, by) = rim[k], rim[k + 1]
        canvas.path(
            f"M{apex[0]:.1f} {apex[1]:.1f}Q{(apex[0] + ax) / 2:.1f} {(apex[1] + ay) / 2 - 0.16 * r:.1f}"
            f" {ax:.1f} {ay:.1f}"
            f"Q{(ax + bx) / 2:.1f} {(ay + by) / 2 + 0.05 * r:.1f} {bx:.1f} {by:.1f}"
            f"Q{(apex[0] + bx) / 2:.1f} {(apex[1] + by) / 2 - 0.16 * r:.1f} {apex[0]:.1f} {apex[1]:.1f}Z",
            stage.pal.tone(tint, 0, 0.3 + 0.65 * k / ribs),
        )
    canvas.stroke([(apex[0], apex[1] - 0.1 * r), apex], stage.pal.tone(rgb("#6b4a30"), 0, 0.6), max(1.5, 0.06 * r))


def umbrella(stage: Stage, canvas: Canvas, foot: Point, scale: float) -> None:
    """Held over the head of the person who stands at `foot`; `scale` pixels a metre."""
    x, y = foot
    canvas.stroke(
        [(x + 0.3 * scale, y - 0.85 * scale), (x + 0.06 * scale, y - 2.0 * scale)],
        stage.pal.tone(rgb("#6b4a30"), 0, 0.5),
        max(1.5, 0.025 * scale),
    )
    canopy(stage, canvas, (x + 0.08 * scale, y - 1.72 * scale), 0.62 * scale, 0.1)


def fallen_umbrella(stage: Stage, foot: Point, scale: float) -> None:
    """Left open on the ground."""
    x, y = foot
    soft_ellipse(stage.middle, x, y, 0.6 * scale, 0.1 * scale, times(stage.pal.shadow, 0.4), 0.5)
    stage.middle.stroke(
        [(x + 0.05 * scale, y - 0.5 * scale), (x + 0.42 * scale, y - 0.02 * scale)],
        stage.pal.tone(rgb("#6b4a30"), 0, 0.5),
        max(1.5, 0.035 * scale),
    )
    canopy(stage, stage.middle, (x, y - 0.35 * scale), 0.58 * scale)


def sword(stage: Stage, canvas: Canvas, foot: Point, scale: float) -> None:
    """A drawn blade in the hand on the side of the light, pointing down and out."""
    side = stage.view.side * -1.0
    x, y = foot[0] + side * 0.27 * scale, foot[1] - 0.73 * scale
    dx, dy = side * 0.5, 0.62
    pal = stage.pal
    tip = (x + dx * 1.15 * scale, y + dy * 1.0 * scale)
    nx, ny = dy * 0.035 * scale, -dx * 0.035 * scale
    canvas.polygon([(x + nx, y + ny), (x, y), tip], pal.tone(rgb("#e6edf4"), 0, 1.0))
    canvas.polygon([(x - nx, y - ny), (x, y), tip], pal.tone(rgb("#94a0ae"), 0, 0.5))
    canvas.stroke(
        [(x + nx * 3, y + ny * 3), (x - nx * 3, y - ny * 3)], pal.tone(rgb("#c9a24a"), 0, 0.8), max(2.0, 0.03 * scale)
    )
    hilt = (x - dx * 0.24 * scale, y - dy * 0.24 * scale)
    canvas.stroke([(x, y), hilt], pal.tone(rgb("#4a2a24"), 0, 0.6), max(2.0, 0.035 * scale))
    canvas.stroke(
        [hilt, (hilt[0] + 0.05 * scale, hilt[1] + 0.16 * scale), (hilt[0] + 0.02 * scale, hilt[1] + 0.3 * scale)],
        pal.tone(rgb("#b23a3a"), 0, 0.7),
        max(1.5, 0.018 * scale),
    )
