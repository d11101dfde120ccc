"""Villages among fields."""

from __future__ import annotations

from gpu_agents.engines.sketch.colour import rgb
from gpu_agents.engines.sketch.places import land, nature
from gpu_agents.engines.sketch.places.buildings import cottage
from gpu_agents.engines.sketch.stage import Stage


def village(stage: Stage) -> None:
    """Cottages with smoking chimneys among trees, fields behind, a fence along the way."""
    view, rng = stage.view, stage.rng("village")
    snow = "snow" in stage.brief.weather
    nature.ranges(stage, snow=snow, tall=0.8)
    land.tree_line(stage, "wood", view.horizon + 3, view.far * 0.06, 0.4, "broad")
    land.ground(stage, land.SNOW if snow else rgb("#86a04f"))
    land.path(stage, rgb("#c0a678"), 1.8, 4.0)
    plant = nature.pines(stage, snow=True) if snow else nature.broadleaves(stage)
    land.scatter(stage, "trees-far", 16, plant, 40, 120, (5, 8))
    east = any("\u4e00" <= char <= "\u9fff" for char in stage.brief.text)
    near = (12.0, 36.0) if view.eye < 10 else (22.0, 85.0)
    spots = sorted(
        ((rng.uniform(*near), side) for side in (-1, 1) for _ in range(4 if view.eye < 10 else 7)), reverse=True
    )
    for z, side in spots:
        cottage(
            stage,
            rng,
            side * rng.uniform(0.22, 0.5) * z * view.width / view.focal + side * 2,
            max(z, view.figure_depth * (1.9 if view.eye < 10 else 0.8)),
            snow,
            east,
        )
    if view.eye > 10:
        land.scatter(stage, "trees-all", 40, plant, 18, 120, (4, 8), keep_clear=False)
    land.scatter(stage, "trees", 4, plant, max(9.0, view.figure_depth * 1.9), 22, (4, 7))
    if not snow:
        land.tufts(stage, "tufts", 150, rgb("#93b054"), 0.35)
