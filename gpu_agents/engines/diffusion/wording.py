"""The words a model is given for a shot: the prompt, who is in it, and how it is filmed. Pure."""

from __future__ import annotations

from schemas.specs import Camera, Lighting, Mood, ShotSpec

CAMERA: dict[Camera, str] = {
    "static": "",
    "close_up": "close-up",
    "medium": "medium shot",
    "wide": "wide shot",
    "low_angle": "low angle shot",
    "high_angle": "high angle shot",
    "aerial": "aerial view",
    "pan": "",
    "dolly": "",
    "zoom": "",
    "handheld": "",
}
LIGHTING: dict[Lighting, str] = {
    "natural": "natural light",
    "golden_hour": "golden hour light",
    "night": "at night",
    "studio": "studio lighting",
    "neon": "neon lights",
    "candlelight": "candlelight",
    "overcast": "overcast sky",
    "backlit": "backlit",
}
MOOD: dict[Mood, str] = {
    "neutral": "",
    "happy": "cheerful mood",
    "calm": "calm mood",
    "tense": "tense mood",
    "sad": "melancholic mood",
    "mysterious": "mysterious mood",
    "epic": "epic mood",
    "romantic": "romantic mood",
}


def shot_words(shot: ShotSpec) -> str:
    """One line of comma-separated parts, what the client wrote first; models weigh the beginning most."""
    people = [character.description.strip() for character in shot.characters]
    filmed = [CAMERA[shot.camera], LIGHTING[shot.lighting], MOOD[shot.mood]]
    parts = [shot.prompt.strip(), *people, shot.style.strip(), *filmed]
    return ", ".join(part for part in parts if part)
