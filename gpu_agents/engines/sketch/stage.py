"""The picture in the making: three vector layers behind and before the figure, and the lights that will glow."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from gpu_agents.engines.sketch.brief import Brief
from gpu_agents.engines.sketch.colour import RGB
from gpu_agents.engines.sketch.composition import View
from gpu_agents.engines.sketch.palette import Palette
from gpu_agents.engines.sketch.svg import Canvas, Point


@dataclass
class Stage:
    """What places, props and figures draw on.

    `back`: sky and far scenery, mirrored in water if `water` (row of the waterline) is set. `middle`: ground, buildings,
    furniture, props. `front`: framing in front of the figure. `lamps`: (x, y, radius, colour) that glow at the end.
    `shafts`: polygons of light that fall through windows. `sun`: centre of the sun or the moon, None indoors.
    """

    brief: Brief
    view: View
    pal: Palette
    back: Canvas
    middle: Canvas
    front: Canvas
    sun: Point | None = None
    water: float | None = None
    lamps: list[tuple[float, float, float, RGB]] = field(default_factory=list)
    shafts: list[list[Point]] = field(default_factory=list)

    @classmethod
    def of(cls, brief: Brief, view: View, pal: Palette) -> Stage:
        """An empty stage."""
        size = (view.width, view.height)
        return cls(brief, view, pal, Canvas(*size), Canvas(*size), Canvas(*size))

    def rng(self, label: str) -> random.Random:
        """Its own stream of chance for every element, so that one element's change does not move the others."""
        return random.Random(f"{self.brief.seed}:{label}")

    def depth(self, z: float) -> float:
        """Aerial depth 0-1 of a distance in metres: 0 at the eye, about 0.5 at 60 m."""
        return z / (z + 60.0)

    def lamp(self, x: float, y: float, radius: float, colour: RGB | None = None) -> None:
        """A light that glows if it is dark enough for lamps; coordinates and radius in pixels."""
        if self.pal.lamps > 0.2:
            self.lamps.append((x, y, radius, colour or self.pal.glow()))

    @property
    def clear(self) -> tuple[float, float]:
        """Range of x (metres at the figure's depth) that props leave free for the figure."""
        view = self.view
        middle = (view.figure_x - view.width / 2) / view.scale(view.figure_depth)
        return middle - 1.0, middle + 1.0

    @property
    def sky_layer(self) -> Canvas:
        """Where things in the sky are drawn: before trees and houses, over water on the layer that is mirrored."""
        return self.back if self.water is not None else self.middle

    @property
    def light_side(self) -> float:
        """-1 when the light comes from the left half of the picture, else 1."""
        return 1.0 if self.sun is not None and self.sun[0] > self.view.width / 2 else -1.0
