"""Small things on the ground."""

from __future__ import annotations

from gpu_agents.engines.sketch.body import Spot
from gpu_agents.engines.sketch.colour import rgb, times
from gpu_agents.engines.sketch.flora import flower_patch, leaf_at
from gpu_agents.engines.sketch.solids import soft_ellipse
from gpu_agents.engines.sketch.stage import Stage


def sword(stage: Stage, spot: Spot) -> None:
    """A blade that sticks in the ground (indoors: on a stand), its edge catching the light."""
    (x, y), s = spot
    pal, canvas = stage.pal, stage.middle
    tip, guard = (x, y), (x + 0.22 * s, y - 0.95 * s)
    canvas.polygon([tip, (guard[0] - 0.05 * s, guard[1]), guard], pal.tone(rgb("#dfe6ee"), 0, 1.0))
    canvas.polygon([tip, guard, (guard[0] + 0.05 * s, guard[1] + 0.01 * s)], pal.tone(rgb("#9aa6b4"), 0, 0.4))
    canvas.stroke(
        [(guard[0] - 0.13 * s, guard[1] - 0.02 * s), (guard[0] + 0.14 * s, guard[1] + 0.04 * s)],
        pal.tone(rgb("#c9a24a"), 0, 0.8),
        max(2.0, 0.05 * s),
    )
    canvas.stroke(
        [guard, (guard[0] + 0.07 * s, guard[1] - 0.28 * s)], pal.tone(rgb("#4a2a24"), 0, 0.6), max(2.0, 0.05 * s)
    )
    canvas.ellipse(guard[0] + 0.075 * s, guard[1] - 0.3 * s, 0.035 * s, 0.035 * s, pal.tone(rgb("#c9a24a"), 0, 0.9))
    canvas.stroke(
        [
            (guard[0] + 0.08 * s, guard[1] - 0.3 * s),
            (guard[0] + 0.16 * s, guard[1] - 0.12 * s),
            (guard[0] + 0.13 * s, guard[1] + 0.1 * s),
        ],
        pal.tone(rgb("#b23a3a"), 0, 0.7),
        max(1.5, 0.03 * s),
    )


def book(stage: Stage, spot: Spot) -> None:
    """A stack of books."""
    (x, y), s = spot
    pal, canvas = stage.pal, stage.middle
    y -= 0.02 * s
    for k in range(3):
        canvas.rect(
            x - (0.24 - 0.02 * k) * s,
            y - 0.08 * (k + 1) * s,
            (0.48 - 0.03 * k) * s,
            0.078 * s,
            pal.tone((rgb("#8c3b34"), rgb("#3f5f7f"), rgb("#6b7a4a"))[k], 0, 0.6),
            1.0,
            0.015 * s,
        )
        canvas.rect(
            x - (0.22 - 0.02 * k) * s,
            y - (0.08 * (k + 1) - 0.02) * s,
            (0.44 - 0.03 * k) * s,
            0.02 * s,
            pal.tone(rgb("#efe6d0"), 0, 0.8),
        )
    top = y - 0.25 * s
    for side in (-1, 1):
        canvas.path(
            f"M{x:.1f} {top:.1f}Q{x + side * 0.14 * s:.1f} {top - 0.1 * s:.1f} {x + side * 0.3 * s:.1f}"
            f" {top - 0.03 * s:.1f}L{x + side * 0.3 * s:.1f} {top + 0.02 * s:.1f}Q{x + side * 0.14 * s:.1f}"
            f" {top - 0.05 * s:.1f} {x:.1f} {top + 0.04 * s:.1f}Z",
            pal.tone(rgb("#f2ead6"), 0, 0.95 if side > 0 else 0.6),
        )


def fire(stage: Stage, spot: Spot) -> None:
    """A camp fire."""
    (x, y), s = spot
    canvas, rng = stage.middle, stage.rng("fire")
    for lean in (-0.4, 0.4, -0.15):
        canvas.stroke(
            [(x - lean * s, y), (x + lean * 0.5 * s, y - 0.16 * s)], stage.pal.tone(rgb("#4a3020"), 0, 0.4), 0.1 * s
        )
    for colour, tall, wide in (
        ("#e8481c", 0.85, 0.34),
        ("#ff8a24", 0.66, 0.25),
        ("#ffd24a", 0.45, 0.16),
        ("#fff4c0", 0.24, 0.09),
    ):
        for dx in (-0.6, 0.0, 0.55):
            t = tall * (1 - 0.35 * abs(dx)) * rng.uniform(0.85, 1.15) * s
            bx, w = x + dx * wide * s, wide * 0.62 * s
            canvas.path(
                f"M{bx - w:.1f} {y - 0.05 * s:.1f}Q{bx - w * 0.9:.1f} {y - t * 0.5:.1f} {bx + w * 0.1:.1f}"
                f" {y - t:.1f}Q{bx + w * 0.35:.1f} {y - t * 0.6:.1f} {bx + w:.1f} {y - 0.05 * s:.1f}"
                f"Q{bx:.1f} {y + 0.06 * s:.1f} {bx - w:.1f} {y - 0.05 * s:.1f}Z",
                rgb(colour),
                0.92,
            )
    for _ in range(16):
        canvas.ellipse(x + rng.gauss(0, 0.22) * s, y - rng.uniform(0.5, 1.9) * s, 0.014 * s, 0.014 * s, rgb("#ffc46a"))
    stage.lamps.append((x, y - 0.3 * s, 1.7 * s, rgb("#ff8a34")))


def flowers(stage: Stage, spot: Spot) -> None:
    """A patch of flowers."""
    (x, y), s = spot
    rng = stage.rng("flower")
    pink = (rgb("#f08fb0"), rgb("#f6b8c8"), rgb("#e8695a"))
    for _ in range(14):
        px, py = x + rng.gauss(0, 0.4) * s, y - abs(rng.gauss(0.18, 0.14)) * s
        stage.middle.stroke(
            [(px, y), (px + rng.uniform(-0.03, 0.03) * s, py)],
            stage.pal.tone(rgb("#5c8a3e"), 0, 0.5),
            max(1.0, 0.015 * s),
        )
        leaf_at(stage.middle, rng, (px, y - 0.1 * s), 0.12 * s, stage.pal.tone(rgb("#5c8a3e"), 0, 0.8))
        flower_patch(stage.middle, rng, (px, py), 0.07 * s, stage.pal.tone(rng.choice(pink), 0, 0.9))


def tea(stage: Stage, spot: Spot) -> None:
    """A pot of tea with a cup."""
    (x, y), s = spot
    pal, canvas = stage.pal, stage.middle
    white = rgb("#ece6d8")
    contact = times(pal.shadow, 0.35)
    soft_ellipse(canvas, x, y, 0.24 * s, 0.05 * s, contact, 0.6)
    canvas.path(
        f"M{x - 0.15 * s:.1f} {y - 0.2 * s:.1f}h{0.3 * s:.1f}q0 {0.2 * s:.1f} {-0.15 * s:.1f} {0.2 * s:.1f}"
        f"t{-0.15 * s:.1f} {-0.2 * s:.1f}z",
        canvas.linear(
            (x - 0.15 * s, 0),
            (x + 0.15 * s, 0),
            [(0.0, pal.tone(white, 0, 0.4), 1.0), (1.0, pal.tone(white, 0, 1.0), 1.0)],
        ),
    )
    canvas.ellipse(x, y - 0.2 * s, 0.15 * s, 0.035 * s, pal.tone(rgb("#a5743c"), 0, 0.7))
    for k in (-1, 1):
        canvas.stroke(
            [(x + k * 0.03 * s, y - 0.26 * s), (x + k * 0.09 * s, y - 0.4 * s), (x, y - 0.55 * s)],
            pal.tone(white, 0, 1.0),
            max(1.2, 0.02 * s),
            0.4,
        )
