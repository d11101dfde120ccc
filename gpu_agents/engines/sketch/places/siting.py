"""Where a landmark stands and what joins it to the land."""

from __future__ import annotations

from gpu_agents.engines.sketch import flora
from gpu_agents.engines.sketch.colour import rgb, times
from gpu_agents.engines.sketch.places import land, nature
from gpu_agents.engines.sketch.places.buildings import RED, TILE
from gpu_agents.engines.sketch.solids import soft_ellipse, upswept_roof
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point


def site(stage: Stage, number: int, z: float, spread: float = 0.2) -> tuple[Canvas, Point, float, float]:
    """Layer, foot, pixels a metre and aerial depth of the landmark `number`."""
    view = stage.view
    side = -view.side if number == 0 else view.side
    x = view.width * (0.5 + side * spread * (1.0 if number == 0 else 1.5))
    z = max(z, view.figure_depth * 2.2)
    if stage.water is not None:
        return stage.back, (x, view.horizon + 2), view.far / z * 1.05, 0.42
    return stage.middle, (x, view.at(0, 0, z)[1]), min(view.scale(z), view.far * 1.5 / z), stage.depth(z) * 0.8


def footing(stage: Stage, canvas: Canvas, foot: Point, width: float) -> None:
    """The shadow where a building stands on dry land."""
    if stage.water is None:
        soft_ellipse(canvas, foot[0], foot[1], width * 0.6, width * 0.06, times(stage.pal.shadow, 0.3), 0.5)


def greenery(stage: Stage, canvas: Canvas, foot: Point, width: float, depth: float) -> None:
    """Bushes that join a building to the land."""
    if stage.brief.place in ("desert", "space", "city") or stage.water is not None:
        return
    rng = stage.rng("greenery")
    leaves = (land.SNOW,) if "snow" in stage.brief.weather else nature.leaf_colours(stage)
    for k in range(11):
        x = foot[0] + width * (k / 10 - 0.5) * 1.1
        flora.bush(
            canvas,
            rng,
            (x, foot[1] + width * 0.02),
            width * rng.uniform(0.05, 0.1),
            stage.pal,
            depth,
            rng.choice(leaves),
        )


def temple_hall(stage: Stage, canvas: Canvas, foot: Point, width: float, height: float, depth: float) -> None:
    """A hall of a temple, sizes in pixels from its foot."""
    pal = stage.pal
    x, y = foot
    canvas.rect(
        x - width / 2,
        y - height * 0.55,
        width,
        height * 0.55,
        canvas.linear(
            (x - width / 2, 0),
            (x + width / 2, 0),
            [(0.0, pal.tone(RED, depth, 0.6), 1.0), (1.0, pal.tone(RED, depth, 0.2), 1.0)],
        ),
    )
    for k in range(6):
        px = x - width * 0.46 + width * 0.92 * k / 5
        canvas.rect(
            px - width * 0.016, y - height * 0.55, width * 0.032, height * 0.55, pal.tone(times(RED, 1.25), depth, 0.8)
        )
        if k < 5 and k % 2 == 0:
            glow = pal.glow() if pal.lamps > 0.2 else pal.tone(rgb("#3f2620"), depth, 0.3)
            canvas.rect(px + width * 0.04, y - height * 0.44, width * 0.1, height * 0.42, glow)
    upswept_roof(
        canvas,
        x,
        y - height * 0.5,
        width * 1.35,
        height * 0.5,
        pal.tone(TILE, depth, 0.75),
        pal.tone(times(TILE, 0.6), depth, 0.3),
    )
    stage.lamp(x, y - height * 0.25, height * 0.8)
