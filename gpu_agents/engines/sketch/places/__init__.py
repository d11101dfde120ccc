"""Every place the engine can draw, by the keys of the word tables."""

from __future__ import annotations

from collections.abc import Callable

from gpu_agents.engines.sketch.places import cosmos, halls, nature, rooms, settlement, water
from gpu_agents.engines.sketch.places.structures import draw_structures
from gpu_agents.engines.sketch.sky import draw_sky
from gpu_agents.engines.sketch.stage import Stage

PLACES: dict[str, Callable[[Stage], None]] = {
    "mountain": nature.mountain, "forest": nature.forest, "bamboo": nature.bamboo, "field": nature.field, "desert": nature.desert,
    "snowfield": nature.snowfield, "cave": nature.cave, "sea": water.sea, "lake": water.lake, "river": water.river,
    "city": settlement.city, "village": settlement.village, "space": cosmos.space,
    "room": rooms.room, "teahouse": rooms.teahouse, "library": rooms.library, "kitchen": rooms.kitchen, "tavern": rooms.tavern,
    "classroom": halls.classroom, "laboratory": halls.laboratory, "office": halls.office, "workshop": halls.workshop, "hall": halls.hall,
    "hospital": halls.hospital, "train": halls.train, "cockpit": halls.cockpit, "studio": halls.studio,
}  # fmt: skip
_WITHOUT_SKY = ("cave", "space")


def draw_place(stage: Stage) -> None:
    """Sky, place and landmarks of the brief."""
    brief = stage.brief
    if not brief.indoors and brief.place not in _WITHOUT_SKY:
        draw_sky(stage)
    PLACES[brief.place](stage)
    draw_structures(stage)
