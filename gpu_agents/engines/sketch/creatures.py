"""Animals and machines."""

from __future__ import annotations

import math

from gpu_agents.engines.sketch.colour import RGB, mix, rgb, times
from gpu_agents.engines.sketch.solids import soft_ellipse
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Point

Spot = tuple[Point, float]


class _Body:
    """Shapes in metres above the foot of an animal that faces +x (mirrored so that it looks to the middle)."""

    def __init__(self, stage: Stage, spot: Spot, size: float = 1.0) -> None:
        (self.x, self.y), scale = spot
        self.stage, self.scale = stage, scale * size
        self.flip = 1.0 if self.x < stage.view.width / 2 else -1.0

    def at(self, x: float, y: float) -> Point:
        return self.x + self.flip * x * self.scale, self.y - y * self.scale

    def blob(self, points: list[Point], local: RGB, lit: float) -> None:
        self.stage.middle.blob([self.at(*point) for point in points], self.stage.pal.tone(local, 0, lit))

    def shaded(self, points: list[Point], local: RGB) -> None:
        """A shape that is lighter above."""
        ys = [y for _, y in points]
        pal, canvas = self.stage.pal, self.stage.middle
        stops = [(0.0, pal.tone(local, 0, 1.0), 1.0), (0.5, pal.tone(local, 0, 0.55), 1.0), (1.0, pal.tone(local, 0, 0.1), 1.0)]
        canvas.blob([self.at(*point) for point in points], canvas.linear((0, self.at(0, max(ys))[1]), (0, self.at(0, min(ys))[1]), stops))

    def line(self, points: list[Point], local: RGB, lit: float, width: float) -> None:
        self.stage.middle.stroke([self.at(*point) for point in points], self.stage.pal.tone(local, 0, lit), max(1.0, width * self.scale))

    def dot(self, x: float, y: float, radius: float, colour: RGB) -> None:
        px, py = self.at(x, y)
        self.stage.middle.ellipse(px, py, radius * self.scale, radius * self.scale, colour)

    def shadow(self, width: float) -> None:
        soft_ellipse(self.stage.middle, self.x, self.y, width * self.scale, width * 0.13 * self.scale, times(self.stage.pal.shadow, 0.3), 0.6)


def horse(stage: Stage, spot: Spot) -> None:
    """A standing horse."""
    b = _Body(stage, spot)
    text = stage.brief.text
    coat = rgb("#e6e0d6") if "白马" in text or "white horse" in text.lower() else rgb("#7a4a30")
    mane = times(coat, 0.55)
    b.shadow(1.2)
    for x, lit in ((-0.62, 0.2), (0.52, 0.2), (-0.78, 0.5), (0.66, 0.5)):
        b.line([(x, 0.95), (x + 0.03, 0.5), (x - 0.02, 0.06)], coat, lit, 0.12)
        b.line([(x - 0.02, 0.08), (x + 0.03, 0.02)], rgb("#2a201c"), 0.4, 0.12)
    b.line([(-0.9, 1.25), (-1.1, 1.0), (-1.08, 0.5)], mane, 0.5, 0.11)
    b.shaded([(-0.95, 1.2), (-0.7, 1.45), (-0.1, 1.36), (0.45, 1.48), (0.8, 1.3), (0.72, 0.98), (0.2, 0.82), (-0.45, 0.86), (-0.85, 0.9)], coat)
    b.shaded([(0.45, 1.4), (0.8, 1.75), (1.0, 2.05), (1.18, 2.02), (1.12, 1.7), (0.9, 1.2)], coat)
    b.shaded([(0.98, 2.12), (1.2, 2.06), (1.5, 1.76), (1.47, 1.64), (1.34, 1.62), (1.08, 1.82)], coat)
    b.blob([(1.02, 2.08), (1.04, 2.26), (1.13, 2.1)], coat, 0.7)
    b.line([(1.02, 2.12), (0.86, 1.95), (0.72, 1.7), (0.52, 1.45)], mane, 0.5, 0.13)
    b.dot(1.2, 1.93, 0.028, rgb("#17120f"))
    b.blob([(-0.28, 1.42), (0.2, 1.42), (0.24, 1.24), (-0.05, 1.1), (-0.3, 1.22)], rgb("#8c3b34"), 0.7)


def dog(stage: Stage, spot: Spot) -> None:
    """A dog, wolf or fox that sits up and looks."""
    text = stage.brief.text.lower()
    coat = rgb("#c96a34") if "fox" in text or "狐" in text else rgb("#7d8088") if "wolf" in text or "狼" in text else rgb("#b08a5c")
    b = _Body(stage, spot, 1.15)
    b.shadow(0.42)
    b.line([(-0.3, 0.1), (-0.5, 0.16), (-0.56, 0.34)], coat, 0.5, 0.1)
    b.shaded([(-0.34, 0.02), (-0.36, 0.25), (-0.18, 0.5), (0.06, 0.62), (0.2, 0.45), (0.16, 0.02)], coat)
    b.blob([(0.1, 0.5), (0.2, 0.4), (0.18, 0.2), (0.08, 0.3)], rgb("#efe6d6"), 0.8)
    b.line([(0.1, 0.4), (0.14, 0.2), (0.13, 0.04)], coat, 0.75, 0.08)
    b.shaded([(-0.02, 0.68), (0.06, 0.84), (0.2, 0.86), (0.3, 0.76), (0.46, 0.7), (0.45, 0.62), (0.28, 0.58), (0.08, 0.56)], coat)
    for x in (0.04, 0.16):
        b.blob([(x - 0.02, 0.8), (x + 0.01, 1.0), (x + 0.1, 0.84)], coat, 0.35)
    b.dot(0.45, 0.68, 0.024, rgb("#15110f"))
    b.dot(0.26, 0.76, 0.02, rgb("#15110f"))


def cat(stage: Stage, spot: Spot) -> None:
    """A sitting cat."""
    text = stage.brief.text
    coat = rgb("#2e2a30") if "黑猫" in text or "black cat" in text.lower() else rgb("#ece6dc") if "白猫" in text or "white cat" in text.lower() else rgb("#d08a4a")
    b = _Body(stage, spot, 0.85)
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
        b = _Body(stage, spot, 1.0)
        b.shaded([(-0.2, 0.06), (-0.1, 0.22), (0.06, 0.26), (0.14, 0.16), (0.04, 0.04)], rgb("#4a6f9c"))
        b.dot(0.1, 0.23, 0.012, rgb("#15110f"))
        b.line([(0.15, 0.21), (0.2, 0.2)], rgb("#e0a03a"), 0.8, 0.02)
        return
    white = any(word in stage.brief.text for word in ("鹤", "crane", "鸥", "seagull", "白鹭"))
    local = rgb("#f4f2ec") if white else rgb("#2c2a33")
    cx, cy = view.width * (0.5 + view.side * 0.14), max(view.height * 0.16, view.horizon * 0.38)
    for k in range(9):
        x, y = cx + rng.gauss(0, view.height * 0.16), cy + rng.gauss(0, view.height * 0.055)
        u = view.height * rng.uniform(0.012, 0.027) * (1.4 if white else 1.0)
        flap = rng.uniform(-0.5, 0.9)
        colour = stage.pal.tone(local, 0.15, 0.85)
        for side in (-1, 1):
            tip = (x + side * 1.5 * u, y - flap * u)
            stage.back.path(f"M{x:.1f} {y:.1f}Q{x + side * .7 * u:.1f} {y - (flap * .9 + .35) * u:.1f} {tip[0]:.1f} {tip[1]:.1f}Q{x + side * .7 * u:.1f} {y - (flap * .6 - .05) * u:.1f} {x:.1f} {y + .16 * u:.1f}Z", colour)
        stage.back.ellipse(x, y + 0.05 * u, 0.28 * u, 0.12 * u, colour)
        if white:
            stage.back.stroke([(x + 0.2 * u, y + 0.05 * u), (x + 0.75 * u, y + 0.02 * u)], colour, max(1.0, 0.08 * u))


def robot(stage: Stage, spot: Spot) -> None:
    """A friendly machine with lit eyes."""
    b = _Body(stage, spot, 1.0)
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


def dragon(stage: Stage, spot: Spot) -> None:
    """A long dragon that winds through the clouds."""
    view, pal, canvas, rng = stage.view, stage.pal, stage.back, stage.rng("dragon")
    u = view.height * 0.05
    side = -view.side
    x0, y0 = view.width * (0.5 + side * 0.42), view.height * 0.34
    spine = [(x0 - side * u * (0.32 * k), y0 + math.sin(k * 0.42) * u * (1.7 - 0.02 * k) - k * 0.03 * u) for k in range(34)]
    scale, belly = rgb("#b5382c"), rgb("#e0b04a")
    for k, (x, y) in enumerate(spine):
        girth = u * (0.12 + 0.42 * math.sin(math.pi * min(1.0, (k + 3) / 34)) ** 0.8)
        canvas.ellipse(x, y + girth * 0.16, girth, girth, pal.tone(times(scale, 0.6), 0.12, 0.2))
        canvas.ellipse(x, y, girth * 0.92, girth * 0.88, pal.tone(scale, 0.12, 0.65))
        if k % 2 == 0:
            canvas.polygon([(x - girth * 0.35, y - girth * 0.75), (x + side * girth * 0.3, y - girth * 1.5), (x + girth * 0.35, y - girth * 0.75)], pal.tone(belly, 0.12, 0.8))
        canvas.ellipse(x, y + girth * 0.45, girth * 0.5, girth * 0.28, pal.tone(belly, 0.12, 0.6), 0.8)
    hx, hy = spine[-1]
    d = -side
    canvas.blob([(hx - d * 0.5 * u, hy - 0.4 * u), (hx + d * 0.4 * u, hy - 0.6 * u), (hx + d * 1.5 * u, hy - 0.15 * u), (hx + d * 1.4 * u, hy + 0.2 * u), (hx + d * 0.3 * u, hy + 0.5 * u), (hx - d * 0.4 * u, hy + 0.4 * u)], pal.tone(scale, 0.1, 0.85))
    canvas.stroke([(hx + d * 0.5 * u, hy + 0.2 * u), (hx + d * 1.35 * u, hy + 0.08 * u)], pal.tone(rgb("#5a1a14"), 0.1, 0.3), 0.08 * u)
    for k in range(2):
        canvas.stroke([(hx, hy - 0.5 * u), (hx - d * 0.5 * u, hy - (1.1 + 0.3 * k) * u), (hx - d * (0.9 + 0.3 * k) * u, hy - 1.15 * u)], pal.tone(belly, 0.1, 0.9), 0.13 * u)
        canvas.stroke([(hx + d * 1.4 * u, hy), (hx + d * 1.9 * u, hy + (0.4 - 0.8 * k) * u), (hx + d * 1.5 * u, hy + (0.9 - 1.6 * k) * u)], pal.tone(belly, 0.1, 0.9), 0.05 * u)
    for _ in range(9):
        canvas.stroke([(hx - d * 0.2 * u, hy), (hx - d * rng.uniform(0.6, 1.0) * u, hy + rng.uniform(-0.5, 0.6) * u)], pal.tone(rgb("#f0dca0"), 0.1, 0.9), 0.07 * u)
    canvas.ellipse(hx + d * 0.6 * u, hy - 0.28 * u, 0.12 * u, 0.12 * u, rgb("#ffe36a"))
    stage.lamps.append((hx + d * 0.6 * u, hy - 0.28 * u, 0.7 * u, rgb("#ffb040")))
