"""Robe and coat of a drawn person, measured in metres above the feet."""

from __future__ import annotations

from collections.abc import Sequence

from gpu_agents.engines.sketch.colour import RGB, mix, rgb, times
from gpu_agents.engines.sketch.look import Look
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point


class Dressed:
    """Body parts of one person; x grows towards the light when multiplied by `side`."""

    def __init__(
        self,
        stage: Stage,
        canvas: Canvas,
        foot: Point,
        scale: float,
        look: Look,
        depth: float,
        side: float,
        stretch: float,
    ) -> None:
        self.stretch = stretch
        self.canvas, self.foot, self.scale, self.look, self.depth, self.side = canvas, foot, scale, look, depth, side
        self.pal = stage.pal

    def at(self, x: float, y: float) -> Point:
        """Canvas position of a point in body units: x to the right, y up from the feet."""
        return self.foot[0] + x * self.scale * self.stretch, self.foot[1] - y * self.scale

    def tone(self, local: RGB, lit: float) -> RGB:
        """A colour as light and distance show it, lit 0-1."""
        return self.pal.tone(local, self.depth, lit)

    def shape(self, points: Sequence[Point], local: RGB, lit: float, opacity: float = 1.0) -> None:
        """A filled round shape through body points."""
        self.canvas.blob([self.at(*point) for point in points], self.tone(local, lit), opacity)

    def cloth(self, points: Sequence[Point], local: RGB) -> None:
        """A piece of clothing, lighter towards the light."""
        xs = [x for x, _ in points]
        start, end = self.at(min(xs), 1.0), self.at(max(xs), 1.0)
        if self.side > 0:
            start, end = end, start
        stops = [
            (0.0, self.tone(local, 0.95), 1.0),
            (0.45, self.tone(local, 0.6), 1.0),
            (1.0, self.tone(local, 0.12), 1.0),
        ]
        self.canvas.blob([self.at(*point) for point in points], self.canvas.linear(start, end, stops))

    def neck(self) -> None:
        """The neck, a little darker than the face."""
        self.shape([(-0.05, 1.40), (-0.045, 1.53), (0.045, 1.53), (0.05, 1.40)], times(self.look.skin, 0.86), 0.4)

    def robe(self, away: bool) -> None:
        """A long robe; `away` shows its back."""
        look = self.look
        for side in (-1, 1):
            self.cloth(
                [
                    (side * 0.17, 1.41),
                    (side * 0.235, 1.31),
                    (side * 0.29, 1.0),
                    (side * 0.335, 0.72),
                    (side * 0.215, 0.70),
                    (side * 0.15, 1.02),
                ],
                times(look.clothes, 0.9),
            )
            self.shape(
                [(side * 0.325, 0.735), (side * 0.225, 0.71), (side * 0.232, 0.755), (side * 0.318, 0.78)],
                look.trim,
                0.7,
            )
        self.cloth(
            [
                (-0.075, 1.46),
                (-0.185, 1.415),
                (-0.2, 1.2),
                (-0.155, 1.0),
                (-0.22, 0.5),
                (-0.29, 0.02),
                (0.0, -0.015),
                (0.29, 0.02),
                (0.22, 0.5),
                (0.155, 1.0),
                (0.2, 1.2),
                (0.185, 1.415),
                (0.075, 1.46),
            ],
            look.clothes,
        )
        for x0, x1 in ((-0.08, -0.14), (0.03, 0.05), (0.11, 0.19)):
            self.canvas.stroke(
                [self.at(x0, 0.95), self.at((x0 + x1) / 2, 0.5), self.at(x1, 0.04)],
                self.tone(look.clothes, 0.05),
                self.scale * 0.008,
                0.4,
            )
        self.shape(
            [(-0.30, 0.03), (0.0, -0.012), (0.30, 0.03), (0.295, 0.085), (0.0, 0.045), (-0.295, 0.085)], look.trim, 0.5
        )
        self.neck()
        if not away:
            self.collar()
        self.shape([(-0.165, 1.08), (0.165, 1.08), (0.172, 0.98), (-0.172, 0.98)], times(look.clothes, 0.5), 0.5)
        if not away:
            self.canvas.stroke(
                [self.at(0.04, 1.0), self.at(0.06, 0.75), self.at(0.045, 0.55)],
                self.tone(look.trim, 0.5),
                self.scale * 0.022,
            )

    def collar(self) -> None:
        """The crossed collar of a robe, left side over right, above a white under-robe."""
        self.shape([(-0.055, 1.475), (0.055, 1.475), (0.02, 1.36), (-0.005, 1.33)], rgb("#efe9dc"), 0.6)
        trim, shade = self.tone(self.look.trim, 0.8), self.tone(times(self.look.trim, 0.8), 0.5)
        self.canvas.stroke(
            [self.at(-0.075, 1.47), self.at(-0.035, 1.38), self.at(0.0, 1.325)], shade, self.scale * 0.036
        )
        self.canvas.stroke([self.at(0.075, 1.47), self.at(0.03, 1.36), self.at(-0.09, 1.09)], trim, self.scale * 0.038)

    def coat(self, away: bool) -> None:
        """A coat over trousers; `away` shows its back."""
        look = self.look
        trousers = mix(times(look.clothes, 0.4), rgb("#2c303c"), 0.6)
        for side in (-1, 1):
            self.cloth(
                [
                    (side * 0.02, 0.9),
                    (side * 0.16, 0.9),
                    (side * 0.135, 0.45),
                    (side * 0.115, 0.06),
                    (side * 0.04, 0.06),
                    (side * 0.03, 0.45),
                ],
                trousers,
            )
            self.shape(
                [(side * 0.03, 0.08), (side * 0.12, 0.08), (side * 0.155, 0.0), (side * 0.03, 0.0)], rgb("#2a2628"), 0.4
            )
            self.cloth(
                [
                    (side * 0.15, 1.42),
                    (side * 0.23, 1.36),
                    (side * 0.275, 1.05),
                    (side * 0.27, 0.78),
                    (side * 0.2, 0.78),
                    (side * 0.18, 1.05),
                ],
                times(look.clothes, 0.88),
            )
            self.shape(
                [(side * 0.205, 0.79), (side * 0.265, 0.79), (side * 0.26, 0.70), (side * 0.215, 0.69)], look.skin, 0.5
            )
        self.cloth(
            [
                (-0.07, 1.47),
                (-0.205, 1.41),
                (-0.195, 1.15),
                (-0.175, 0.98),
                (-0.2, 0.74),
                (0.2, 0.74),
                (0.175, 0.98),
                (0.195, 1.15),
                (0.205, 1.41),
                (0.07, 1.47),
            ],
            look.clothes,
        )
        self.neck()
        if away:
            return
        self.shape([(-0.045, 1.46), (0.045, 1.46), (0.0, 1.22)], rgb("#ece8e0"), 0.6)
        for side in (-1, 1):
            self.canvas.polygon(
                [self.at(side * 0.06, 1.49), self.at(side * 0.1, 1.40), self.at(side * 0.005, 1.2)],
                self.tone(times(look.clothes, 0.75), 0.5),
            )
        self.canvas.stroke(
            [self.at(0.0, 1.2), self.at(0.0, 0.76)], self.tone(look.clothes, 0.02), self.scale * 0.008, 0.6
        )
