"""Sky of a landscape: gradient, sun or moon, stars and clouds."""

from __future__ import annotations

import math
import random

from gpu_agents.engines.sketch.colour import RGB, mix, rgb, times
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point


def draw_sky(stage: Stage) -> None:
    """Fill the back layer down to below the horizon and set `stage.sun`."""
    view, pal, canvas = stage.view, stage.pal, stage.back
    low = max(view.horizon, view.height * 0.22)
    top, middle, bottom = pal.sky
    stops = [(0.0, top, 1.0), (0.55, middle, 1.0), (1.0, bottom, 1.0)]
    canvas.rect(0, 0, view.width, view.height, canvas.linear((0, min(0.0, low - view.height * 0.62)), (0, low), stops))
    rng = stage.rng("sky")
    if pal.stars > 0.3 and not stage.brief.weather & {"rain", "fog"}:
        _stars(stage, rng)
    _sun(stage, rng)
    _clouds(stage, rng)


def _sun(stage: Stage, rng: random.Random) -> None:
    view, pal, canvas = stage.view, stage.pal, stage.back
    h = view.height
    backlit = stage.brief.lighting == "backlit"
    x = view.figure_x + h * 0.08 if backlit else view.width * (0.5 - view.side * (0.2 + 0.14 * rng.random()))
    y = max(h * 0.13, view.horizon - pal.sun_height * h)
    if backlit:
        y = max(h * 0.15, min(y, h * 0.4))
    stage.sun = (x, y)
    reach = h * (0.9 if pal.sun_height < 0.2 else 0.55)
    canvas.glow(x, y, reach, pal.sun, 0.5 if pal.dark else 0.75)
    if pal.sun_size <= 0 or "rain" in stage.brief.weather:
        return
    radius = pal.sun_size * h
    if pal.stars > 0.3 and stage.brief.time != "dusk" and pal.name != "dusk":
        _moon(canvas, x, y, radius, pal.sun)
    else:
        canvas.ellipse(x, y, radius, radius, mix(pal.sun, (1.0, 1.0, 1.0), 0.5), 0.95)


def _moon(canvas: Canvas, x: float, y: float, radius: float, colour: RGB) -> None:
    canvas.ellipse(
        x,
        y,
        radius,
        radius,
        canvas.radial(
            x - radius * 0.3,
            y - radius * 0.3,
            radius * 1.6,
            [(0.0, mix(colour, (1.0, 1.0, 1.0), 0.6), 1.0), (1.0, times(colour, 0.78), 1.0)],
        ),
    )
    for dx, dy, size in ((-0.3, 0.1, 0.26), (0.25, -0.3, 0.18), (0.2, 0.35, 0.2), (-0.1, -0.45, 0.12)):
        canvas.ellipse(x + dx * radius, y + dy * radius, size * radius, size * radius * 0.9, times(colour, 0.72), 0.35)


def _stars(stage: Stage, rng: random.Random) -> None:
    view, canvas = stage.view, stage.back
    for _ in range(int(190 * stage.pal.stars)):
        x, y = rng.random() * view.width, rng.random() ** 1.4 * max(view.horizon, view.height * 0.2)
        size = view.height * (0.0007 + 0.0016 * rng.random() ** 3)
        tint = mix(rgb("#cfe0ff"), rgb("#fff0d0"), rng.random())
        canvas.ellipse(x, y, size, size, tint, (0.35 + 0.6 * rng.random()) * stage.pal.stars)


def _clouds(stage: Stage, rng: random.Random) -> None:
    view, pal = stage.view, stage.pal
    heavy = bool(stage.brief.weather & {"rain", "storm", "snow"}) or pal.name == "overcast"
    count = 12 if heavy else rng.randint(3, 7)
    space = max(view.horizon, view.height * 0.2)
    lit = mix(pal.sky[1], pal.sun, 0.42 if pal.dark else 0.75)
    dim = times(mix(pal.sky[1], pal.sky[0], 0.5), 0.62 if heavy else 0.9)
    for i in range(count):
        level = (i + 0.6) / count  # far clouds first, near the horizon
        y = space * (0.95 - 0.85 * level) + rng.uniform(-0.04, 0.04) * space
        width = view.height * (0.28 + 0.75 * level) * rng.uniform(0.7, 1.3)
        x = rng.uniform(-0.1, 1.1) * view.width
        if stage.sun and not heavy and abs(x - stage.sun[0]) < width * 0.4 and abs(y - stage.sun[1]) < width * 0.2:
            x += width * 0.9
        cloud(stage.back, rng, (x, y), width, lit, dim, 0.85 if heavy else 0.55 + 0.3 * rng.random())


def cloud(canvas: Canvas, rng: random.Random, centre: Point, width: float, lit: RGB, dim: RGB, opacity: float) -> None:
    """A flat-based heap of round puffs: lit above, fading out at its base. Width in pixels."""
    x, y = centre
    thick = width * rng.uniform(0.15, 0.24)
    for shade, drop, stretch, strength in ((dim, 0.22, 1.0, 0.75), (lit, 0.0, 0.86, 1.0)):
        data = []
        for k in range(13):
            t = (k + 0.5) / 13
            hump = math.sin(math.pi * t) ** 0.8
            r = thick * (0.16 + 0.4 * hump * rng.uniform(0.55, 1.15))
            cx, cy = x + (t - 0.5) * width * stretch, y + thick * (drop - 0.34 * hump * rng.uniform(0.5, 1.3))
            data.append(
                f"M{cx - r:.1f} {cy:.1f}a{r:.1f} {r:.1f} 0 1 1 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 1 {-2 * r:.1f} 0"
            )
        base = y + thick * (0.34 + drop)
        fill = canvas.linear(
            (0, y - thick * 0.9), (0, base), [(0.0, shade, 1.0), (0.55, shade, 0.7), (1.0, shade, 0.0)]
        )
        canvas.path("".join(data), fill, opacity * strength)
