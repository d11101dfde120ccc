"""What clients ask for: small work of every kind."""

from __future__ import annotations

import random
from typing import Any

Ask = tuple[str, dict[str, Any]]
_PROMPTS = ("a lantern in the rain", "an old harbour at dawn", "a mountain temple in snow", "a market street at noon")
_SMALL_FILM = {"resolution": "512x512", "fps": 4, "audio": False, "subtitles": False}


def picture(chance: random.Random) -> Ask:
    """One to four plain pictures, or now and then a drawn one."""
    drawn = chance.random() < 0.06
    engine, count = ("sketch", 1) if drawn else ("null", chance.choice((1, 1, 1, 2, 4)))
    body = {"prompt": chance.choice(_PROMPTS), "engine": engine, "width": 512, "height": 512, "count": count}
    return "images/generate", body | {"seed": chance.randrange(10_000)}


def film(chance: random.Random) -> Ask:
    """A film of one or two shots of plain pictures, sometimes with sound."""
    scenes = [
        {"prompt": chance.choice(_PROMPTS), "duration": 0.5, "narration": "Morning." if chance.random() < 0.2 else ""}
        for _ in range(chance.choice((1, 2)))
    ]
    body = {"scenes": scenes, "image_engine": "null", "video_config": _SMALL_FILM, "seed": chance.randrange(10_000)}
    return "videos/generate", body


def script_film(chance: random.Random) -> Ask:
    """A film whose plan a device makes first."""
    body = {"script": f"INT. ROOM - NIGHT\n\nA lamp is lit. {chance.choice(_PROMPTS)}.", "target_duration": 1.0}
    return "videos/generate", body | {"image_engine": "null", "video_config": _SMALL_FILM}


def sound(chance: random.Random) -> Ask:
    """Half a second of music."""
    return "audio/generate", {"mood": chance.choice(("calm", "tense")), "duration": 0.5, "seed": chance.randrange(99)}


def storyboard(chance: random.Random) -> Ask:
    """A storyboard of two sentences."""
    return "scripts/storyboard", {"script": f"{chance.choice(_PROMPTS)}. Nothing moves."}


_KINDS = {picture: 74, film: 9, script_film: 2, sound: 10, storyboard: 5}


def any_work(chance: random.Random) -> Ask:
    """Something of the mixture."""
    (kind,) = chance.choices(list(_KINDS), list(_KINDS.values()))
    return kind(chance)


def other_body(ask: Ask) -> dict[str, Any]:
    """A valid body for the same path that asks for something else."""
    _, body = ask
    return body | ({"script": "Somebody else wrote this."} if "script" in body else {"seed": body["seed"] + 1})
