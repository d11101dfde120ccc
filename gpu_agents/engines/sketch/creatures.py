"""Animals and machines."""

from __future__ import annotations

from gpu_agents.engines.sketch.body import Body, Spot
from gpu_agents.engines.sketch.colour import rgb, times
from gpu_agents.engines.sketch.stage import Stage


def horse(stage: Stage, spot: Spot) -> None:
    """A standing horse."""
    b = Body(stage, spot)
    text = stage.brief.text
    coat = rgb("#e6e0d6") if "白马" in text or "white horse" in text.lower() else rgb("#7a4a30")
    mane = times(coat, 0.55)
    b.shadow(1.2)
    for x, lit in ((-0.62, 0.2), (0.52, 0.2), (-0.78, 0.5), (0.66, 0.5)):
        b.line([(x, 0.95), (x + 0.03, 0.5), (x - 0.02, 0.06)], coat, lit, 0.12)
        b.line([(x - 0.02, 0.08), (x + 0.03, 0.02)], rgb("#2a201c"), 0.4, 0.12)
    b.line([(-0.9, 1.25), (-1.1, 1.0), (-1.08, 0.5)], mane, 0.5, 0.11)
    b.shaded(
        [
            (-0.95, 1.2),
            (-0.7, 1.45),
            (-0.1, 1.36),
            (0.45, 1.48),
            (0.8, 1.3),
            (0.72, 0.98),
            (0.2, 0.82),
            (-0.45, 0.86),
            (-0.85, 0.9),
        ],
        coat,
    )
    b.shaded([(0.45, 1.4), (0.8, 1.75), (1.0, 2.05), (1.18, 2.02), (1.12, 1.7), (0.9, 1.2)], coat)
    b.shaded([(0.98, 2.12), (1.2, 2.06), (1.5, 1.76), (1.47, 1.64), (1.34, 1.62), (1.08, 1.82)], coat)
    b.blob([(1.02, 2.08), (1.04, 2.26), (1.13, 2.1)], coat, 0.7)
    b.line([(1.02, 2.12), (0.86, 1.95), (0.72, 1.7), (0.52, 1.45)], mane, 0.5, 0.13)
    b.dot(1.2, 1.93, 0.028, rgb("#17120f"))
    b.blob([(-0.28, 1.42), (0.2, 1.42), (0.24, 1.24), (-0.05, 1.1), (-0.3, 1.22)], rgb("#8c3b34"), 0.7)


def dog(stage: Stage, spot: Spot) -> None:
    """A dog, wolf or fox that sits up and looks."""
    text = stage.brief.text.lower()
    coat = (
        rgb("#c96a34")
        if "fox" in text or "狐" in text
        else rgb("#7d8088")
        if "wolf" in text or "狼" in text
        else rgb("#b08a5c")
    )
    b = Body(stage, spot, 1.15)
    b.shadow(0.42)
    b.line([(-0.3, 0.1), (-0.5, 0.16), (-0.56, 0.34)], coat, 0.5, 0.1)
    b.shaded([(-0.34, 0.02), (-0.36, 0.25), (-0.18, 0.5), (0.06, 0.62), (0.2, 0.45), (0.16, 0.02)], coat)
    b.blob([(0.1, 0.5), (0.2, 0.4), (0.18, 0.2), (0.08, 0.3)], rgb("#efe6d6"), 0.8)
    b.line([(0.1, 0.4), (0.14, 0.2), (0.13, 0.04)], coat, 0.75, 0.08)
    b.shaded(
        [(-0.02, 0.68), (0.06, 0.84), (0.2, 0.86), (0.3, 0.76), (0.46, 0.7), (0.45, 0.62), (0.28, 0.58), (0.08, 0.56)],
        coat,
    )
    for x in (0.04, 0.16):
        b.blob([(x - 0.02, 0.8), (x + 0.01, 1.0), (x + 0.1, 0.84)], coat, 0.35)
    b.dot(0.45, 0.68, 0.024, rgb("#15110f"))
    b.dot(0.26, 0.76, 0.02, rgb("#15110f"))


def cat(stage: Stage, spot: Spot) -> None:
    """A sitting cat."""
    text = stage.brief.text
    coat = (
        rgb("#2e2a30")
        if "黑猫" in text or "black cat" in text.lower()
        else rgb("#ece6dc")
        if "白猫" in text or "white cat" in text.lower()
        else rgb("#d08a4a")
    )
    b = Body(stage, spot, 0.85)
    b.shadow(0.34)
    b.line([(-0.2, 0.06), (-0.42, 0.08), (-0.48, 0.26), (-0.38, 0.4)], coat, 0.5, 0.07)
    b.shaded([(-0.26, 0.0), (-0.26, 0.22), (-0.1, 0.46), (0.08, 0.5), (0.16, 0.3), (0.14, 0.0)], coat)
    b.shaded([(-0.1, 0.58), (-0.06, 0.72), (0.06, 0.76), (0.19, 0.71), (0.22, 0.58), (0.14, 0.48), (0.0, 0.47)], coat)
    for x in (-0.08, 0.13):
        b.blob([(x - 0.015, 0.68), (x + 0.02, 0.86), (x + 0.09, 0.71)], coat, 0.4)
    for x in (0.03, 0.145):
        b.dot(x, 0.62, 0.024, rgb("#d8e05a"))
        b.dot(x + 0.004, 0.62, 0.011, rgb("#15110f"))
    b.line([(0.09, 0.555), (0.09, 0.54)], rgb("#c0605a"), 0.8, 0.02)
    for k in (-1, 1):
        b.line([(0.09 + k * 0.04, 0.55), (0.09 + k * 0.18, 0.56)], rgb("#f4efe4"), 0.9, 0.006)


def birds(stage: Stage, spot: Spot) -> None:
    """A flock in the sky; cranes if the prompt names them."""
    view, rng = stage.view, stage.rng("birds")
    if stage.brief.indoors:
        b = Body(stage, spot, 1.0)
        b.shaded([(-0.2, 0.06), (-0.1, 0.22), (0.06, 0.26), (0.14, 0.16), (0.04, 0.04)], rgb("#4a6f9c"))
        b.dot(0.1, 0.23, 0.012, rgb("#15110f"))
        b.line([(0.15, 0.21), (0.2, 0.2)], rgb("#e0a03a"), 0.8, 0.02)
        return
    white = any(word in stage.brief.text for word in ("鹤", "crane", "鸥", "seagull", "白鹭"))
    local = rgb("#f4f2ec") if white else rgb("#2c2a33")
    cx, cy = view.width * (0.5 + view.side * 0.14), max(view.height * 0.16, view.horizon * 0.38)
    for _ in range(9):
        x, y = cx + rng.gauss(0, view.height * 0.16), cy + rng.gauss(0, view.height * 0.055)
        u = view.height * rng.uniform(0.012, 0.027) * (1.4 if white else 1.0)
        flap = rng.uniform(-0.5, 0.9)
        colour = stage.pal.tone(local, 0.15, 0.85)
        for side in (-1, 1):
            tip = (x + side * 1.5 * u, y - flap * u)
            stage.sky_layer.path(
                f"M{x:.1f} {y:.1f}Q{x + side * 0.7 * u:.1f} {y - (flap * 0.9 + 0.35) * u:.1f} {tip[0]:.1f}"
                f" {tip[1]:.1f}Q{x + side * 0.7 * u:.1f} {y - (flap * 0.6 - 0.05) * u:.1f} {x:.1f}"
                f" {y + 0.16 * u:.1f}Z",
                colour,
            )
        stage.sky_layer.ellipse(x, y + 0.05 * u, 0.28 * u, 0.12 * u, colour)
        if white:
            stage.sky_layer.stroke(
                [(x + 0.2 * u, y + 0.05 * u), (x + 0.75 * u, y + 0.02 * u)], colour, max(1.0, 0.08 * u)
            )
