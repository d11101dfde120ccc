"""Where the eye stands: a pinhole camera per kind of shot, so that every element gets its place and size from metres.

World: x to the right (0 = middle of the picture), y up from the ground, z away from the camera; metres.
A point at depth z is drawn at (w/2 + f*x/z, horizon + f*(height - y)/z), f = focal length in pixels.
"""

from __future__ import annotations

import random

from msgspec import Struct

from gpu_agents.engines.sketch.svg import Point
from schemas.specs import Camera


class Preset(Struct, frozen=True):
    """One kind of shot; horizon and focal in picture heights, eye and depth in metres, blur in 1/1000 of the height."""

    horizon: float
    focal: float
    eye: float
    figure_depth: float
    thirds: float  # how far the figure stands from the middle, in picture widths
    blur: float = 0.0
    roll: float = 0.0  # degrees
    framing: float = 0.5  # how much foreground frames the picture, 0-1


PRESETS: dict[Camera, Preset] = {
    "static": Preset(0.58, 1.05, 1.55, 4.0, 0.10),
    "close_up": Preset(0.50, 2.1, 1.52, 1.18, 0.06, blur=11.0, framing=0.0),
    "medium": Preset(0.43, 1.5, 1.42, 2.1, 0.10, blur=3.5, framing=0.3),
    "wide": Preset(0.60, 0.95, 1.7, 7.0, 0.16, framing=1.0),
    "low_angle": Preset(0.88, 0.95, 0.35, 2.5, 0.13, framing=0.7),
    "high_angle": Preset(0.10, 1.15, 4.2, 7.0, 0.08, framing=0.4),
    "aerial": Preset(0.15, 1.0, 19.0, 25.0, 0.12, framing=0.0),
    "pan": Preset(0.56, 0.85, 1.6, 5.4, 0.24, framing=0.8),
    "dolly": Preset(0.52, 1.25, 1.5, 3.1, 0.04, blur=1.5, framing=0.9),
    "zoom": Preset(0.45, 1.9, 1.48, 1.75, 0.05, blur=7.0, framing=0.1),
    "handheld": Preset(0.50, 1.2, 1.5, 2.6, 0.14, blur=1.5, roll=2.6, framing=0.5),
}


class View(Struct, frozen=True):
    """The camera of one picture; horizon and focal in pixels."""

    width: int
    height: int
    horizon: float
    focal: float
    eye: float
    figure_depth: float
    figure_x: float  # pixels
    blur: float  # sigma in pixels
    roll: float
    framing: float

    def at(self, x: float, y: float, z: float) -> Point:
        """Pixel of a world point; z > 0."""
        scale = self.focal / z
        return self.width / 2 + x * scale, self.horizon + (self.eye - y) * scale

    def scale(self, z: float) -> float:
        """Pixels per metre at depth z."""
        return self.focal / z

    def depth_of(self, y: float) -> float:
        """Depth of the ground at row y; y below the horizon."""
        return self.focal * self.eye / max(0.5, y - self.horizon)

    @property
    def far(self) -> float:
        """Pixels that stand for one picture height of far scenery: long lenses enlarge it, less than truly."""
        return float(self.height * min(1.6, max(0.75, self.focal / self.height)) ** 0.5)

    @property
    def side(self) -> float:
        """-1 when the figure stands left of the middle, else 1."""
        return -1.0 if self.figure_x < self.width / 2 else 1.0


def compose(camera: Camera, width: int, height: int, seed: int, indoors: bool) -> View:
    """The view of a shot; the seed chooses the side of the figure. Indoors the camera stays below the roof."""
    preset = PRESETS[camera]
    rng = random.Random(f"{seed}:view")
    eye, depth, horizon, focal = preset.eye, preset.figure_depth, preset.horizon, preset.focal
    if indoors and eye > 3.0:
        eye, depth = (3.6, 6.2) if camera == "aerial" else (2.9, 4.9)
        focal = 1.0 if camera == "aerial" else 1.05
        horizon = 0.06 if camera == "aerial" else 0.12
    elif indoors and depth > 4.2:
        depth, focal = 4.2, focal * 1.12
    side = rng.choice((-1, 1))
    if width < height:  # upright pictures see less to the sides: step back a little
        focal *= 0.9
    return View(
        width=width,
        height=height,
        horizon=horizon * height,
        focal=focal * height,
        eye=eye,
        figure_depth=depth,
        figure_x=width * (0.5 + side * preset.thirds),
        blur=preset.blur * height / 1000,
        roll=preset.roll * side,
        framing=preset.framing,
    )
