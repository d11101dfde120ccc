"""Foreground that frames the picture: leaves and branches outdoors, a round post indoors, out of focus."""

from __future__ import annotations

import math

from gpu_agents.engines.sketch import flora
from gpu_agents.engines.sketch.colour import RGB, mix, rgb, times
from gpu_agents.engines.sketch.places.nature import leaf_colours
from gpu_agents.engines.sketch.stage import Stage

_LEAFY = ("mountain", "forest", "lake", "river", "village", "field", "bamboo")
_LACQUERED = ("teahouse", "tavern", "hall")
_PLANTED = ("room", "library", "office", "teahouse", "hospital", "classroom")


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
    """A round post at the open side, turned and banded like the room's woodwork, lit from the room."""
    view, canvas = stage.view, stage.front
    lacquered = stage.brief.place in _LACQUERED
    local = rgb("#9a3d2c") if lacquered else rgb("#8a6242")
    width = view.width * 0.05 * (0.35 + 0.65 * view.framing) + view.height * 0.02 * abs(view.roll)  # a roll crops it
    inner, outward = (width, -1.0) if view.side > 0 else (view.width - width, 1.0)
    edge = inner + outward * width * 1.6  # the far half of the post lies outside the picture
    canvas.rect(min(inner, edge), 0, abs(edge - inner), view.height, _rounded(stage, local, inner, edge))
    rng = stage.rng("post")
    for _ in range(7):  # grain
        x = inner + outward * width * rng.uniform(0.12, 0.95)
        top, length = view.height * rng.uniform(0, 0.7), view.height * rng.uniform(0.15, 0.4)
        colour = _lit(stage, local, rng.choice((0.2, 0.85)))
        canvas.stroke([(x, top), (x + width * rng.uniform(-0.04, 0.04), top + length)], colour, width * 0.05, 0.35)
    trim = rgb("#d2a552") if lacquered else mix(local, rgb("#e2c294"), 0.4)
    for y, height, wider in ((0.0, 0.085, 0.42), (0.105, 0.016, 0.14), (0.885, 0.018, 0.14), (0.925, 0.08, 0.36)):
        out = inner - outward * width * wider
        fill = _rounded(stage, trim if height < 0.05 else mix(local, trim, 0.18), out, edge)
        canvas.rect(min(out, edge), view.height * y, abs(edge - out), view.height * height, fill, 1.0, width * 0.1)
    if stage.brief.place in _PLANTED:
        _plant(stage, inner, -outward, width)


def _lit(stage: Stage, local: RGB, lit: float) -> RGB:
    """A tone near the camera: what lamps throw back keeps it from going black at night."""
    bounce = times(mix(local, stage.pal.glow(), 0.35), 0.16 * stage.pal.lamps)
    tone = stage.pal.tone(local, 0.0, lit)
    return tone[0] + bounce[0], tone[1] + bounce[1], tone[2] + bounce[2]


def _rounded(stage: Stage, local: RGB, inner: float, edge: float) -> str:
    """Shading across a round post: a narrow reflex, the lit flank, then into shade towards the border."""
    stops = [(0.0, 0.55), (0.06, 1.0), (0.22, 0.8), (0.5, 0.45), (1.0, 0.22)]
    return stage.front.linear((inner, 0), (edge, 0), [(offset, _lit(stage, local, lit), 1.0) for offset, lit in stops])


def _plant(stage: Stage, inner: float, inward: float, width: float) -> None:
    """Long leaves of a pot plant at the post's foot, so that the frame has an outline of its own."""
    rng, view = stage.rng("plant"), stage.view
    root = (inner - inward * width * 0.3, view.height * 1.02)
    for number in range(9):
        spread = inward * view.height * rng.uniform(0.0, 0.17) * view.framing - inward * width * 0.2
        tall = view.height * rng.uniform(0.14, 0.34) * (0.5 + 0.5 * view.framing)
        tip = (root[0] + spread * 1.5, root[1] - tall)
        bend = (root[0] + spread * 0.35, root[1] - tall * 0.75)
        thick = view.height * 0.013
        colour = _lit(stage, rgb("#4f7a4a"), (0.3, 0.6, 0.9)[number % 3])
        stage.front.path(
            f"M{root[0] - thick:.1f} {root[1]:.1f}Q{bend[0] - thick:.1f} {bend[1]:.1f} {tip[0]:.1f} {tip[1]:.1f}"
            f"Q{bend[0] + thick:.1f} {bend[1] + thick:.1f} {root[0] + thick:.1f} {root[1]:.1f}Z",
            colour,
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
