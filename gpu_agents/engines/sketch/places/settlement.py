"""Streets and villages."""

from __future__ import annotations

from gpu_agents.engines.sketch import flora
from gpu_agents.engines.sketch.colour import mix, rgb
from gpu_agents.engines.sketch.places import land, nature
from gpu_agents.engines.sketch.places.facades import front_windows, roof_details, sign, street_lamp, street_windows
from gpu_agents.engines.sketch.places.oldtown import OLD_WORDS, old_street
from gpu_agents.engines.sketch.solids import box
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import line_path

_WALLS = (
    rgb("#a9a8ac"),
    rgb("#b8806a"),
    rgb("#7d92ad"),
    rgb("#d0b48c"),
    rgb("#8a90a4"),
    rgb("#b0685a"),
    rgb("#c9c2b4"),
)


def city(stage: Stage) -> None:
    """A street between rows of houses that runs to the horizon; old streets have tiled roofs and lanterns."""
    if any(word in stage.brief.text.lower() for word in OLD_WORDS):
        old_street(stage)
    else:
        _modern_street(stage)


def _modern_street(stage: Stage) -> None:
    view, pal, rng = stage.view, stage.pal, stage.rng("city")
    _skyline(stage, view.far * 0.36, 0.8)
    _skyline(stage, view.far * 0.22, 0.5)
    land.ground(stage, rgb("#55575f"), far_depth=0.7)
    half = 4.6 if view.eye < 10 else 9.0
    _road_marks(stage, half)
    depths = [150, 118, 92, 72, 56, 43, 33, 25, 18, 12, 7]
    for z in depths:
        if z < view.figure_depth * 0.55:
            continue
        for side in (-1, 1):
            height = rng.uniform(9, 26) if z < 60 else rng.uniform(16, 42)
            deep = z * 0.22
            wall = rng.choice(_WALLS)
            x = half + 1.4 if side > 0 else -half - 1.4 - 12
            box(
                stage,
                stage.middle,
                (x, 0, z),
                (12, height, deep),
                wall,
                (0.8, 0.5, 0.72 if side * stage.light_side < 0 else 0.3),
            )
            street_windows(stage, rng, (half + 1.4) * side, z, z + deep, height)
            front_windows(stage, rng, x, z, height)
            roof_details(stage, rng, x, z, deep, height)
            if z < 60 and (pal.dark or rng.random() < 0.5):
                sign(stage, rng, (half + 1.4) * side, z + deep * rng.uniform(0.1, 0.6), side)
            if 9 < z < 50:
                street_lamp(stage, half * side, z)
                if not pal.dark:
                    foot = view.at((half + 0.8) * side, 0, z * 1.08)
                    flora.broadleaf(
                        stage.middle,
                        rng,
                        foot,
                        4.5 * view.scale(z * 1.08),
                        pal,
                        stage.depth(z),
                        rng.choice(nature.leaf_colours(stage)),
                    )
    if pal.dark and ("rain" in stage.brief.weather or pal.name == "neon"):
        _wet_street(stage)


def _skyline(stage: Stage, height: float, depth: float) -> None:
    view, pal, canvas, rng = stage.view, stage.pal, stage.back, stage.rng(f"skyline{depth}")
    x = -20.0
    base = view.horizon + 3
    lit: list[str] = []
    while x < view.width + 20:
        w = view.height * rng.uniform(0.035, 0.09)
        tall = height * rng.uniform(0.25, 1.0) * (1.2 - abs(x / view.width - 0.5))
        body, foot = (
            pal.tone(rgb("#6c7486"), depth, 0.4),
            mix(pal.tone(rgb("#6c7486"), depth + 0.4, 0.6), pal.haze, 0.5),
        )
        canvas.rect(
            x, base - tall, w, tall, canvas.linear((0, base - tall), (0, base), [(0.0, body, 1.0), (1.0, foot, 1.0)])
        )
        if rng.random() < 0.3:
            canvas.rect(x + w * 0.45, base - tall * 1.2, w * 0.06, tall * 0.2, body)
        for _ in range(int(w * tall / 260)):
            wx, wy = x + w * rng.uniform(0.1, 0.85), base - tall * rng.uniform(0.05, 0.95)
            lit.append(line_path([(wx, wy), (wx + w * 0.07, wy), (wx + w * 0.07, wy + w * 0.1), (wx, wy + w * 0.1)]))
        x += w * rng.uniform(0.8, 1.2)
    if pal.lamps > 0.3:
        canvas.path("".join(lit), pal.glow(), 0.75 * pal.lamps)


def _road_marks(stage: Stage, half: float) -> None:
    view, pal = stage.view, stage.pal
    near = max(0.9, view.eye * 0.7)
    for side in (-1, 1):
        strip = [
            view.at(side * half, 0, near),
            view.at(side * (half + 1.4), 0, near),
            view.at(side * (half + 1.4), 0, 200),
            view.at(side * half, 0, 200),
        ]
        stage.middle.polygon(
            strip,
            stage.middle.linear(
                (0, view.horizon),
                (0, view.height),
                [(0.0, pal.tone(rgb("#8d8d90"), 0.7, 0.7), 1.0), (1.0, pal.tone(rgb("#8d8d90"), 0, 0.6), 1.0)],
            ),
        )
    for i in range(14):
        z1, z2 = near + i * 4.5, near + i * 4.5 + 2.2
        stage.middle.polygon(
            [view.at(-0.08, 0, z1), view.at(0.08, 0, z1), view.at(0.08, 0, z2), view.at(-0.08, 0, z2)],
            pal.tone(rgb("#e6e2d2"), stage.depth(z1), 0.7),
            0.7,
        )


def _wet_street(stage: Stage) -> None:
    """Lights drawn out downwards on wet asphalt."""
    view = stage.view
    for x, y, radius, colour in list(stage.lamps):
        if y > view.horizon:
            continue
        foot = view.horizon + (view.horizon - y) * 0.55
        low = min(view.height * 1.0, foot + radius * 2.4 + view.height * 0.12)
        fill = stage.middle.linear((0, foot), (0, low), [(0.0, colour, 0.0), (0.3, colour, 0.42), (1.0, colour, 0.0)])
        stage.middle.rect(x - radius * 0.16, foot, radius * 0.32, low - foot, fill)
