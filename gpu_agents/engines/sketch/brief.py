"""What the prompt asks for, in the few terms that the drawing understands."""

from __future__ import annotations

import random

from msgspec import Struct
from msgspec.structs import replace

from gpu_agents.engines.sketch import vocabulary as words
from gpu_agents.engines.sketch.composition import View, compose
from gpu_agents.engines.sketch.palette import Palette, light_of
from schemas.specs import ShotSpec

_DEFAULT_PLACES = ("mountain", "field", "lake", "forest", "sea")
_BACKDROPS = ("mountain", "field")  # give way to a place that lies in them
_INDOOR_LIGHT = ("studio", "candlelight")


class Brief(Struct, frozen=True):
    """A parsed shot. `place` is a key of the place tables, `structures` stand in a landscape, `people` counts silhouettes."""

    place: str
    indoors: bool
    structures: tuple[str, ...]
    objects: tuple[str, ...]
    weather: frozenset[str]
    time: str
    people: int
    style: str
    seed: int
    mood: str
    lighting: str
    text: str
    named: int  # characters with a name


def read(spec: ShotSpec) -> Brief:
    """Find places, objects, weather, time and people in the prompt; words of the negative prompt are left out."""
    text = spec.prompt
    unwanted = spec.negative_prompt
    place, indoors = _place(spec, text, unwanted)
    time = next(iter(_wanted(words.TIMES, text, unwanted)), "")
    weather = set(_wanted(words.WEATHER, text, unwanted))
    if "storm" in weather:
        weather.add("rain")
    if place == "snowfield":
        weather.add("snow")
    structures = () if indoors else tuple(_wanted(words.STRUCTURES, text, unwanted))
    objects = [key for key in _wanted(words.OBJECTS, text, unwanted) if not (key == "tea" and place == "teahouse")]
    if place == "cockpit":
        objects = [key for key in objects if key != "spaceship"]
    return Brief(
        place=place,
        indoors=indoors,
        structures=structures[:2],
        objects=tuple(objects[:4]),
        weather=frozenset(weather),
        time=time,
        people=0 if spec.characters else _people(text, unwanted),
        style=next(iter(words.find(words.STYLES, f"{spec.style} {text}")), ""),
        seed=spec.seed,
        mood=spec.mood,
        lighting=spec.lighting,
        named=len(spec.characters),
        text=f"{text} {' '.join(c.description for c in spec.characters)}",
    )


def _wanted(table: words.Table, text: str, unwanted: str) -> list[str]:
    left_out = words.find(table, unwanted) if unwanted else {}
    return [key for key in words.find(table, text) if key not in left_out]


def _place(spec: ShotSpec, text: str, unwanted: str) -> tuple[str, bool]:
    interiors = _wanted(words.INTERIORS, text, unwanted)
    landscapes = _wanted(words.LANDSCAPES, text, unwanted)
    specific = [key for key in interiors if key != "room"]
    if specific:
        return specific[0], True
    if landscapes and "room" not in interiors:
        return next((key for key in landscapes if key not in _BACKDROPS), landscapes[0]), False
    if "room" in interiors:
        return "room", True
    if "spaceship" in _wanted(words.OBJECTS, text, unwanted):
        return "cockpit", True
    structures = _wanted(words.STRUCTURES, text, unwanted)
    if structures:
        return (
            "field"
            if structures[0] in ("hut", "gate")
            else "river"
            if structures[0] == "bridge"
            else "sea"
            if structures[0] == "lighthouse"
            else "mountain"
        ), False
    if spec.lighting in _INDOOR_LIGHT:
        return ("studio" if spec.lighting == "studio" else "room"), True
    if spec.lighting == "neon":
        return "city", False
    return random.Random(f"{spec.seed}:place").choice(_DEFAULT_PLACES), False


def _people(text: str, unwanted: str) -> int:
    found = _wanted(words.PEOPLE, text, unwanted)
    return 7 if "crowd" in found else 2 if "pair" in found else 1 if "one" in found else 0


def light_name(brief: Brief) -> str:
    """The light of the picture: an explicit lighting wins, `natural` follows the time of day and the weather."""
    if "storm" in brief.weather and brief.lighting in ("natural", "overcast") and brief.time != "night":
        return "storm"
    if brief.lighting != "natural":
        return brief.lighting
    if brief.time in ("night", "dawn", "dusk"):
        return brief.time
    if brief.time == "sunset":
        return "golden_hour"
    if brief.place == "space":
        return "night"
    if brief.weather & {"rain", "fog", "storm"}:
        return "overcast"
    return "day"


def plan(spec: ShotSpec) -> tuple[Brief, View, Palette]:
    """Everything that is decided before the first line is drawn."""
    brief = read(spec)
    view = compose(spec.camera, spec.width, spec.height, spec.seed, brief.indoors)
    pal = light_of(light_name(brief), spec.mood, "fog" in brief.weather)
    if view.eye > 3 and not brief.indoors:  # seen from above the air is thinner
        pal = replace(pal, haze_density=pal.haze_density * 0.6)
    return brief, view, pal
