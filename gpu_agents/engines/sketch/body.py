"""Shapes of an animal, measured in metres above its foot."""

from __future__ import annotations

from gpu_agents.engines.sketch.colour import RGB, times
from gpu_agents.engines.sketch.solids import soft_ellipse
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Point

Spot = tuple[Point, float]


class Body:
    """Shapes in metres above the foot of an animal that faces +x (mirrored so that it looks to the middle)."""

    def __init__(self, stage: Stage, spot: Spot, size: float = 1.0) -> None:
        (self.x, self.y), scale = spot
        self.stage, self.scale = stage, scale * size
        self.flip = 1.0 if self.x < stage.view.width / 2 else -1.0

    def at(self, x: float, y: float) -> Point:
        """Canvas position of a point in body units: x forward, y up from the feet."""
        return self.x + self.flip * x * self.scale, self.y - y * self.scale

    def blob(self, points: list[Point], local: RGB, lit: float) -> None:
        """A filled round shape through body points, lit 0-1."""
        self.stage.middle.blob([self.at(*point) for point in points], self.stage.pal.tone(local, 0, lit))

    def shaded(self, points: list[Point], local: RGB) -> None:
        """A shape that is lighter above."""
        ys = [y for _, y in points]
        pal, canvas = self.stage.pal, self.stage.middle
        stops = [
            (0.0, pal.tone(local, 0, 1.0), 1.0),
            (0.5, pal.tone(local, 0, 0.55), 1.0),
            (1.0, pal.tone(local, 0, 0.1), 1.0),
        ]
        canvas.blob(
            [self.at(*point) for point in points],
            canvas.linear((0, self.at(0, max(ys))[1]), (0, self.at(0, min(ys))[1]), stops),
        )

    def line(self, points: list[Point], local: RGB, lit: float, width: float) -> None:
        """A stroke through body points, `width` in body units."""
        self.stage.middle.stroke(
            [self.at(*point) for point in points], self.stage.pal.tone(local, 0, lit), max(1.0, width * self.scale)
        )

    def dot(self, x: float, y: float, radius: float, colour: RGB) -> None:
        """A circle, `radius` in body units."""
        px, py = self.at(x, y)
        self.stage.middle.ellipse(px, py, radius * self.scale, radius * self.scale, colour)

    def shadow(self, width: float) -> None:
        """The soft shadow on the ground, `width` in body units."""
        soft_ellipse(
            self.stage.middle,
            self.x,
            self.y,
            width * self.scale,
            width * 0.13 * self.scale,
            times(self.stage.pal.shadow, 0.3),
            0.6,
        )
