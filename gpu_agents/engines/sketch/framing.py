"""Foreground that frames the picture: leaves and branches outdoors, a post or curtain indoors, out of focus."""

from __future__ import annotations

import math

from gpu_agents.engines.sketch import flora
from gpu_agents.engines.sketch.colour import mix, rgb, times
from gpu_agents.engines.sketch.places.nature import leaf_colours
from gpu_agents.engines.sketch.stage import Stage

_LEAFY = ("mountain", "forest", "lake", "river", "village", "field", "bamboo")


def draw_framing(stage: Stage) -> None:
    """Fill the front layer as far as the camera wants to be framed; the figure's side stays open."""
    if stage.view.framing < 0.25:
        return
    if stage.brief.indoors:
        if stage.brief.place not in ("studio", "train", "cockpit"):
            _post(stage)
    elif stage.brief.place in _LEAFY and not stage.brief.weather & {"snow"}:
        _branches(stage)


def _post(stage: Stage) -> None:
    view, canvas = stage.view, stage.front
    w = view.width * 0.055 * view.framing
    x = 0.0 if view.side > 0 else view.width - w
    dark = times(stage.pal.tone(rgb("#4a3528"), 0, 0.1), 0.55)
    light = stage.pal.tone(rgb("#4a3528"), 0, 0.5)
    start, end = (x, x + w) if view.side > 0 else (x + w, x)
    canvas.rect(
        x,
        0,
        w,
        view.height,
        canvas.linear((start, 0), (end, 0), [(0.0, dark, 1.0), (0.8, dark, 1.0), (1.0, light, 1.0)]),
    )


def _branches(stage: Stage) -> None:
    view, canvas, rng = stage.view, stage.front, stage.rng("framing")
    corner = 0.0 if view.side > 0 else float(view.width)
    d = 1.0 if view.side > 0 else -1.0
    leaves = leaf_colours(stage)
    bark = times(stage.pal.tone(flora.BARK, 0, 0.1), 0.7)
    reach = view.height * 0.75 * view.framing
    for k in range(3):
        y = view.height * (-0.03 + 0.09 * k)
        length = reach * rng.uniform(0.6, 1.0)
        droop = length * rng.uniform(0.02, 0.22)
        points = [(corner + d * length * t, y + droop * t * t) for t in (0.0, 0.35, 0.7, 1.0)]
        canvas.stroke(points, bark, view.height * 0.008 * (1.2 - 0.25 * k))
        for _ in range(int(64 * view.framing)):
            t = rng.random() ** 0.7
            x, yy = corner + d * length * t, y + droop * t * t + rng.gauss(0, view.height * 0.014)
            colour = stage.pal.tone(rng.choice(leaves), 0, rng.choice((0.0, 0.1, 0.35)))
            flora.leaf_at(
                canvas,
                rng,
                (x + rng.gauss(0, view.height * 0.012), yy),
                view.height * rng.uniform(0.03, 0.06),
                mix(colour, bark, 0.2),
                0.34,
            )
    for _ in range(int(46 * view.framing)):
        side = corner if rng.random() < 0.7 else view.width - corner
        x = abs(side - abs(rng.gauss(0, view.width * 0.09)))
        tall = view.height * rng.uniform(0.05, 0.17) * math.exp(-abs(side - x) / (view.width * 0.16))
        colour = stage.pal.tone(rgb("#557038"), 0, rng.choice((0.05, 0.2)))
        flora.grass(canvas, rng, (x, view.height * 1.01), tall * 1.5, colour, 3)
