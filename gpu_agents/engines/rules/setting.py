"""Where and when a shot plays: read from headings, followed through prose."""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from gpu_agents.engines.rules.vocabulary import ARRIVALS, LEAPS, LIGHTS, PLACES, TIMES, WEATHER, Lexicon

_HEADING_PARTS = re.compile(
    r"\s+[-—–]{1,2}\s+|\s*[—–,，、/；;]+\s*|(?<=[\u4e00-\u9fff])\s*[-·]\s*|(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])"
)
_SAME_TIME = re.compile(r"(?:continuous|later|moments later|same(?: time)?|稍后|同时|接上|接上场|连续)", re.IGNORECASE)
_WITHIN = frozenset({"bridge", "boat"})  # things passed within a place: they open no scene of their own
_DAY_MARK = re.compile(r"日")


class Setting(Struct, frozen=True):
    """Place, time and weather as the script words them, and their meanings (`vocabulary`); "" = not said."""

    place: str = ""
    place_kind: str = ""
    indoors: bool = False
    time: str = ""
    time_kind: str = ""
    weather: str = ""
    weather_kind: str = ""
    light: str = ""


def _kind(meaning: str) -> tuple[str, bool]:
    return meaning.removesuffix("/in"), meaning.endswith("/in")


def _only(part: str, lexicon: Lexicon) -> str:
    """The meaning when `part` is nothing but a word or two of the lexicon ("深夜", "late night"), else ""."""
    hit = lexicon.first(part)
    return hit.meaning if hit and len(hit.word) * 2 >= len(part.strip()) else ""


def from_heading(text: str, inside: str, before: Setting) -> Setting:
    """The setting a scene heading names. `inside`: "INT", "EXT" or "".

    Time carries over where the heading leaves it out, the weather as long as the time of day stays the same.
    """
    places: list[str] = []
    time, time_kind, weather, weather_kind = before.time, before.time_kind, "", ""
    for part in filter(None, (piece.strip(" .。:：") for piece in _HEADING_PARTS.split(text))):
        worded = part.lower() if part.isupper() else part
        when, sky = _only(worded, TIMES), _only(worded, WEATHER)
        if _SAME_TIME.fullmatch(worded) and (places or before.place):
            continue
        if when or _DAY_MARK.fullmatch(worded):
            time, time_kind = ("白天", "day") if worded == "日" else (worded, when)
        if sky:
            weather, weather_kind = worded, sky
        if not when and not sky and not _DAY_MARK.fullmatch(worded):
            places.append(worded)
    place = " ".join(places)[:80] if all(ord(piece[0]) < 0x2E80 for piece in places) else "".join(places)[:40]
    hits = PLACES.find(place)
    kind, roofed = _kind(hits[-1].meaning) if hits else ("", False)
    if not weather and time_kind == before.time_kind:
        weather, weather_kind = before.weather, before.weather_kind
    weather = "" if weather == time else weather
    indoors = inside == "INT" or (roofed and inside != "EXT")
    return follow(Setting(place, kind, indoors, time, time_kind, weather, weather_kind), place)


def follow(setting: Setting, action: str) -> Setting:
    """`setting` with what `action` says about the weather and the light; place and time only where none was known."""
    light = LIGHTS.first(action)
    sky = [hit for hit in WEATHER.find(action) if hit.meaning != "wind" or setting.weather_kind in {"", "wind"}]
    sky = [hit for hit in sky if hit.meaning != "wind"] or sky
    if sky:
        setting = replace(setting, weather=sky[-1].word.lower(), weather_kind=sky[-1].meaning)
    if light and not (setting.light and light.meaning == "candlelight"):
        setting = replace(setting, light=light.meaning)
    if not setting.place and (place := PLACES.first(action)):
        kind, indoors = _kind(place.meaning)
        setting = replace(setting, place=place.word.lower(), place_kind=kind, indoors=indoors)
    if not setting.time and (time := TIMES.first(action)):
        setting = replace(setting, time=time.word.lower(), time_kind=time.meaning)
    return setting


def moved(setting: Setting, sentence: str, opens_paragraph: bool) -> Setting | None:
    """The setting of a new scene when `sentence` goes elsewhere or leaps in time, None when the scene goes on.

    Elsewhere: a place of another kind, at the start of a paragraph or beside a word of arrival.
    """
    leap = LEAPS.first(sentence) is not None
    place = next((hit for hit in PLACES.find(sentence) if hit.meaning not in _WITHIN), None)
    arrives = place is not None and (opens_paragraph or leap or ARRIVALS.first(sentence) is not None)
    elsewhere = arrives and place is not None and setting.place_kind not in ("", _kind(place.meaning)[0])
    time = TIMES.first(sentence)
    another_time = time is not None and (leap or opens_paragraph) and setting.time_kind not in ("", time.meaning)
    if not (elsewhere or another_time or (leap and (setting.place or setting.time))):
        return None
    fresh = replace(setting, light="")
    if elsewhere and place is not None:
        kind, indoors = _kind(place.meaning)
        fresh = replace(fresh, place=place.word.lower(), place_kind=kind, indoors=indoors)
    if another_time or leap:
        fresh = replace(fresh, time=time.word.lower() if time else "", time_kind=time.meaning if time else "")
    if leap or fresh.time_kind != setting.time_kind:
        fresh = replace(fresh, weather="", weather_kind="")
    return fresh
