"""Every place the engine can draw, by the keys of the word tables."""

from __future__ import annotations

from collections.abc import Callable

from gpu_agents.engines.sketch.places import (
    barren,
    cosmos,
    halls,
    nature,
    rooms,
    school,
    settlement,
    travel,
    village,
    water,
)
from gpu_agents.engines.sketch.places.structures import draw_structures
from gpu_agents.engines.sketch.sky import draw_sky
from gpu_agents.engines.sketch.stage import Stage

PLACES: dict[str, Callable[[Stage], None]] = {
    "mountain": nature.mountain, "forest": nature.forest, "bamboo": nature.bamboo, "field": nature.field, "desert": barren.desert,
    "snowfield": barren.snowfield, "cave": barren.cave, "sea": water.sea, "lake": water.lake, "river": water.river,
    "city": settlement.city, "village": village.village, "space": cosmos.space,
    "room": rooms.room, "teahouse": rooms.teahouse, "library": rooms.library, "kitchen": rooms.kitchen, "tavern": rooms.tavern,
    "classroom": school.classroom, "laboratory": school.laboratory, "office": school.office,
    "workshop": halls.workshop, "hall": halls.hall,
    "hospital": travel.hospital, "train": travel.train, "cockpit": travel.cockpit, "studio": travel.studio,
}  # fmt: skip
_WITHOUT_SKY = ("cave", "space")


def draw_place(stage: Stage) -> None:
    """Sky, place and landmarks of the brief."""
    brief = stage.brief
    if not brief.indoors and brief.place not in _WITHOUT_SKY:
        draw_sky(stage)
    PLACES[brief.place](stage)
    draw_structures(stage)
