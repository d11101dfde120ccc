"""Camera, lighting, mood and transition of each shot, by words first, then by the rhythm of the scene."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

from msgspec import Struct

from gpu_agents.engines.rules.setting import Setting
from gpu_agents.engines.rules.shots import Beat
from gpu_agents.engines.rules.vocabulary import CAMERAS, FAST, LIGHTS, MOODS, PLACE_LIGHTS, PLACE_MOODS
from schemas.specs import Camera, Lighting, Mood, Transition

_RHYTHM: tuple[Camera, ...] = ("medium", "pan", "close_up", "dolly", "low_angle", "zoom")
_SUBSTITUTES: dict[str, Camera] = {
    "wide": "aerial",
    "close_up": "medium",
    "medium": "close_up",
    "dolly": "pan",
    "handheld": "close_up",
}
_HELD_MOODS = 2  # shots a mood lasts without new words


class Direction(Struct, frozen=True):
    """How a shot is filmed."""

    camera: Camera
    lighting: Lighting
    mood: Mood
    transition: Transition


def direct(beats: Sequence[Beat]) -> list[Direction]:
    """Directions of consecutive shots; scene borders are where `Beat.scene` changes. No camera three times in a row."""
    cameras: list[Camera] = []
    directions: list[Direction] = []
    mood: Mood = "neutral"
    held = talk = silent = 0
    for index, beat in enumerate(beats):
        opening = index == 0 or beats[index - 1].scene != beat.scene
        if opening:
            talk = silent = 0
            held = 0
        said = _mood(beat)
        mood, held = (said, _HELD_MOODS) if said else (mood, held - 1) if held > 0 else (_weather_mood(beat), 0)
        camera = _camera(beat, opening, talk, silent, mood)
        if len(cameras) >= 2 and cameras[-1] == cameras[-2] == camera:
            camera = _SUBSTITUTES.get(camera, "medium")
        cameras.append(camera)
        talk, silent = (talk + 1, silent) if beat.kind == "speech" else (talk, silent + 1)
        closing = index + 1 == len(beats) or beats[index + 1].scene != beat.scene
        directions.append(Direction(camera, _lighting(beat), mood, _transition(beat, closing)))
    return directions


def _camera(beat: Beat, opening: bool, talk: int, silent: int, mood: Mood) -> Camera:
    ordered = CAMERAS.meanings(beat.action)
    if ordered:
        return cast("Camera", max(dict.fromkeys(ordered), key=ordered.count))
    if beat.kind == "speech":
        return "medium" if talk % 2 == 0 else "close_up"
    if opening:
        return "medium" if beat.setting.indoors and beat.people and not beat.heading else "wide"
    if mood == "tense" and FAST.first(beat.action):
        return "handheld"
    return _RHYTHM[silent % len(_RHYTHM)]


def _lighting(beat: Beat) -> Lighting:
    own = LIGHTS.first(beat.action)
    light = own.meaning if own else beat.setting.light
    if light == "golden_hour" and beat.setting.time_kind == "night":
        light = beat.setting.light if beat.setting.light != light else ""
    if light == "candlelight" and not _lamp_rules(beat.setting):
        light = ""
    if light:
        return cast("Lighting", light)
    setting = beat.setting
    if setting.time_kind in ("dawn", "dusk", "night") and not (
        setting.weather_kind in ("storm", "fog") and setting.time_kind != "night"
    ):
        return cast("Lighting", PLACE_LIGHTS[setting.time_kind])
    return cast("Lighting", PLACE_LIGHTS.get(setting.weather_kind, PLACE_LIGHTS.get(setting.time_kind, "natural")))


def _lamp_rules(setting: Setting) -> bool:
    """A lamp lights a room, or a place nobody described; outdoors the sky decides."""
    return setting.indoors or not setting.place


def _mood(beat: Beat) -> Mood | None:
    """The feeling named most often in what is seen and said (the first of equals), None when none is."""
    found = Counter(MOODS.meanings(beat.source))
    return cast("Mood", found.most_common(1)[0][0]) if found else None


def _weather_mood(beat: Beat) -> Mood:
    """What the sky suggests out of doors."""
    return cast("Mood", "neutral" if beat.setting.indoors else PLACE_MOODS.get(beat.setting.weather_kind, "neutral"))


def _transition(beat: Beat, closing: bool) -> Transition:
    if beat.transition:
        return cast("Transition", beat.transition)
    if closing:
        return "fade"
    return "cut" if FAST.first(beat.action) else "crossfade"
