"""Light and colour of a picture: sky, key light, shadow and haze per lighting, shifted by the mood.

Every material is drawn as local colour x light, then mixed towards the haze with depth (aerial perspective).
"""

from __future__ import annotations

import math

from msgspec import Struct
from msgspec.structs import replace

from gpu_agents.engines.sketch.colour import RGB, mix, rgb, saturate, times
from schemas.specs import Mood


class Palette(Struct, frozen=True):
    """Colours of the light. `haze_density` per unit of depth (0 near - 1 far); `sun_height` in picture heights above the
    horizon; `lamps` 0-1 says how much windows and lanterns glow; `key` and `shadow` multiply local colours.
    """

    name: str
    sky: tuple[RGB, RGB, RGB]  # top, middle, at the horizon
    sun: RGB
    key: RGB
    shadow: RGB
    haze: RGB
    haze_density: float
    sun_height: float
    sun_size: float
    lamps: float
    stars: float
    accent: RGB
    vivid: float = 1.0
    contrast: float = 1.0
    lift: float = 0.0
    vignette: float = 0.35
    bloom: float = 0.35
    tint_dark: RGB = (0.5, 0.5, 0.5)
    tint_light: RGB = (0.5, 0.5, 0.5)

    @property
    def dark(self) -> bool:
        """Whether lamps are lit and the moon takes the place of the sun."""
        return self.lamps >= 0.6

    def tone(self, local: RGB, depth: float = 0.0, lit: float = 0.6) -> RGB:
        """A material in this light: `lit` 0 (shadow) - 1 (full light), `depth` 0 (near) - 1 (far)."""
        colour = times(saturate(local, self.vivid), mix(self.shadow, self.key, lit))
        return mix(colour, self.haze, 1 - math.exp(-depth * self.haze_density * 1.6))

    def glow(self, strength: float = 1.0) -> RGB:
        """Colour of a lit window or flame."""
        return mix(self.accent, rgb("#fff1c4"), 0.45 * strength)


def _light(
    name: str,
    top: str,
    middle: str,
    low: str,
    sun: str,
    haze: str,
    key: RGB,
    shadow: RGB,
    density: float,
    height: float,
    size: float,
    lamps: float,
    stars: float,
    accent: str = "#ffb347",
    bloom: float = 0.35,
) -> Palette:
    return Palette(
        name, (rgb(top), rgb(middle), rgb(low)), rgb(sun), key, shadow, rgb(haze), density, height, size, lamps, stars,
        rgb(accent), bloom=bloom,
    )  # fmt: skip


LIGHTS: dict[str, Palette] = {
    light.name: light
    for light in (
        _light("day", "#3f86c9", "#8cc2e6", "#e9f2ea", "#fff6d8", "#c9e0ee", (1.08, 1.03, 0.94), (0.52, 0.60, 0.78), 0.85,
               0.42, 0.035, 0.0, 0.0),
        _light("golden_hour", "#3a5c92", "#f0a268", "#ffdf9a", "#fff3c8", "#f7b87c", (1.26, 0.96, 0.62), (0.46, 0.38, 0.54), 1.1,
               0.10, 0.055, 0.35, 0.0, bloom=0.55),
        _light("dawn", "#4f6bab", "#e3a3b4", "#ffe3c6", "#fff0dc", "#e8c3c6", (1.12, 0.92, 0.86), (0.48, 0.50, 0.68), 1.3,
               0.06, 0.05, 0.3, 0.15, bloom=0.45),
        _light("dusk", "#1d2a5e", "#8a4f90", "#f58f6a", "#ffd9a8", "#90638f", (0.98, 0.68, 0.64), (0.30, 0.28, 0.50), 1.1,
               0.04, 0.05, 0.7, 0.4, bloom=0.5),
        _light("night", "#060b22", "#122650", "#3a5f8c", "#eef4ff", "#24406b", (0.56, 0.68, 0.95), (0.14, 0.19, 0.36), 1.1,
               0.36, 0.045, 1.0, 1.0, bloom=0.6),
        _light("studio", "#8fa3b4", "#c2cdd4", "#f1efe9", "#ffffff", "#dfe2e3", (1.10, 1.08, 1.05), (0.56, 0.56, 0.60), 0.6,
               0.50, 0.0, 0.0, 0.0),
        _light("neon", "#090520", "#2a0f55", "#8a1f86", "#ff9be6", "#4d1f78", (0.80, 0.62, 1.12), (0.17, 0.14, 0.38), 1.0,
               0.34, 0.04, 1.0, 0.35, accent="#ff3da5", bloom=0.9),
        _light("candlelight", "#0b0a18", "#22182c", "#543026", "#ffd9a0", "#3d2218", (1.22, 0.80, 0.44), (0.20, 0.13, 0.15), 0.8,
               0.30, 0.04, 1.0, 0.5, accent="#ff9a3c", bloom=0.8),
        _light("overcast", "#8893a0", "#aeb8c0", "#d5dadb", "#f2f4f4", "#bcc5cb", (0.86, 0.89, 0.92), (0.50, 0.54, 0.61), 1.5,
               0.40, 0.0, 0.15, 0.0),
        _light("storm", "#28323e", "#485660", "#8d999b", "#e6ecf4", "#66737b", (0.64, 0.70, 0.78), (0.24, 0.28, 0.37), 1.1,
               0.40, 0.0, 0.5, 0.0),
        _light("backlit", "#5b7ba6", "#f3cf9c", "#fff6df", "#fffbe9", "#ffe2b0", (0.66, 0.58, 0.54), (0.27, 0.25, 0.34), 1.25,
               0.16, 0.075, 0.0, 0.0, bloom=0.9),
    )
}  # fmt: skip

MOODS: dict[Mood, dict[str, float | RGB]] = {
    "neutral": {},
    "happy": {"vivid": 1.22, "contrast": 1.03, "lift": 0.02, "vignette": 0.18, "tint_light": rgb("#8f8468")},
    "calm": {"vivid": 0.9, "contrast": 0.93, "lift": 0.035, "vignette": 0.25, "tint_dark": rgb("#6c8088")},
    "tense": {
        "vivid": 0.72, "contrast": 1.22, "lift": -0.03, "vignette": 0.65,
        "tint_dark": rgb("#5c8a7c"), "tint_light": rgb("#8a8468"),
    },
    "sad": {
        "vivid": 0.5, "contrast": 0.94, "lift": -0.01, "vignette": 0.45,
        "tint_dark": rgb("#6478a0"), "tint_light": rgb("#7484a0"),
    },
    "mysterious": {
        "vivid": 0.8, "contrast": 1.05, "lift": -0.01, "vignette": 0.6,
        "tint_dark": rgb("#5a70a8"), "tint_light": rgb("#74988c"),
    },
    "epic": {
        "vivid": 1.12, "contrast": 1.18, "lift": 0.0, "vignette": 0.5,
        "tint_dark": rgb("#5c7898"), "tint_light": rgb("#988468"),
    },
    "romantic": {
        "vivid": 1.05, "contrast": 0.97, "lift": 0.03, "vignette": 0.3,
        "tint_dark": rgb("#886c98"), "tint_light": rgb("#a07880"),
    },
}  # fmt: skip

_MOOD_HAZE = {"mysterious": 1.6, "calm": 1.2, "sad": 1.25, "tense": 1.1, "happy": 0.8, "epic": 1.1}


def light_of(name: str, mood: Mood, fog: bool) -> Palette:
    """The palette of a light (a key of `LIGHTS`) under a mood; fog thickens the haze."""
    base = LIGHTS[name]
    density = base.haze_density * _MOOD_HAZE.get(mood, 1.0) * (1.35 if fog else 1.0)
    shifts = MOODS[mood]
    sky = base.sky
    tint = shifts.get("tint_dark")
    if isinstance(tint, tuple):
        sky = tuple(mix(part, times(tint, 1.1), 0.14) for part in base.sky)  # type: ignore[assignment]
    bloom = base.bloom + (0.25 if mood == "romantic" else 0.0)
    return replace(base, sky=sky, haze_density=density, bloom=bloom, **shifts)
