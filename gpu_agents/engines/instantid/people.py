"""The persons of a shot, each averaged from several reference photos by their quality."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from gpu_agents.engines.insightface.encoder import InsightFaceEncoder
from gpu_agents.faces.photos import bgr, read_photo
from gpu_agents.faces.quality import measure
from gpu_agents.faces.vectors import raw_mean
from schemas.errors import RenderError
from schemas.specs import CharacterRef


class Person(Struct, frozen=True, kw_only=True):
    """Vector as the recogniser gives it (not of length 1), the points of the best photo's face, how many photos counted."""

    character_id: str
    vector: Any
    points: Any
    photos: int


def known_person(character: CharacterRef, inputs: Mapping[str, Path], encoder: InsightFaceEncoder) -> Person:
    """One character from its reference photos, or from its portrait where it has none.

    Raises `RenderError` when no photo was handed over or none shows a face.
    """
    keys = [key for key in character.photo_keys if key in inputs] or [character.portrait_key]
    faces = [encoder.reference(bgr(read_photo(key, inputs))) for key in keys if key]
    found = [face for face in faces if face is not None]
    if not found:
        message = f"characters: no face was found in the photos of {character.character_id}"
        raise RenderError(message, code="no_face")
    quality = [measure(face).overall for face in found]
    best = max(range(len(found)), key=lambda place: quality[place])
    return Person(
        character_id=character.character_id,
        vector=raw_mean([encoder.raw(face) for face in found], quality),
        points=found[best].points,
        photos=len(found),
    )
