"""Scores of the characters that a finished picture was to show."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image

from gpu_agents.faces.encoders import load_encoder
from gpu_agents.faces.face import Bgr, FaceEncoder
from gpu_agents.faces.identity import Score, assigned
from gpu_agents.faces.meaning import note_on, same_person
from gpu_agents.faces.photos import bgr
from gpu_agents.faces.reference import threshold_of, vector_of
from gpu_agents.faces.vectors import cosine
from schemas.errors import ConfigurationError
from schemas.specs import CharacterRef, FaceRef

log = logging.getLogger(__name__)


class Scorer:
    """Keeps the encoders it loaded, and what kept others from loading."""

    def __init__(self, load: Callable[[str], FaceEncoder] = load_encoder) -> None:
        self._load = load
        self._encoders: dict[str, FaceEncoder | str] = {}

    def scores(self, picture: Path, characters: Sequence[CharacterRef]) -> list[Score]:
        """One for each character that has a vector; a vector of another space than this device's is never compared."""
        known = [(character, character.face) for character in characters if character.face is not None]
        if not known:
            return []
        pixels = read_picture(picture)
        found: dict[str, Score] = {}
        for name, group in groupby(sorted(known, key=lambda pair: pair[1].encoder), key=lambda pair: pair[1].encoder):
            found |= self._by_encoder(name, pixels, [(character.character_id, face) for character, face in group])
        return [found[character.character_id] for character, _ in known]

    def _by_encoder(self, name: str, pixels: Bgr, wanted: Sequence[tuple[str, FaceRef]]) -> dict[str, Score]:
        encoder = self._encoder(name)
        if isinstance(encoder, str):
            return {
                who: Score(character_id=who, score=None, encoder=face.space, reason=encoder) for who, face in wanted
            }
        told = {who: self._untold(encoder, who, face) for who, face in wanted}
        comparable = [(who, face) for who, face in wanted if told[who].reason == ""]
        faces = encoder.faces(pixels) if comparable else []
        vectors = [encoder.embed(face) for face in faces]
        table = [[cosine(vector_of(face), vector) for vector in vectors] for _, face in comparable]
        for row, ((who, face), place) in enumerate(zip(comparable, assigned(table, len(faces)), strict=True)):
            told[who] = (
                Score(character_id=who, score=None, encoder=face.space, reason="no face was found for it")
                if place is None
                else _score(encoder, who, table[row][place])
            )
        return told

    def _untold(self, encoder: FaceEncoder, who: str, face: FaceRef) -> Score:
        reason = ""
        if not encoder.detects:
            reason = f"encoder {encoder.name} has no face detector on this device"
        elif face.space != encoder.space:
            reason = f"its vector is of {face.space}, this device has {encoder.space}; they cannot be compared"
        return Score(character_id=who, score=None, encoder=face.space, reason=reason)

    def _encoder(self, name: str) -> FaceEncoder | str:
        if name not in self._encoders:
            try:
                self._encoders[name] = self._load(name)
            except ConfigurationError as error:
                log.warning("pictures are not scored by %s: %s", name, error)
                self._encoders[name] = f"encoder {name} is not ready on this device"
        return self._encoders[name]


def _score(encoder: FaceEncoder, who: str, likeness: float) -> Score:
    threshold = threshold_of(encoder)
    return Score(
        character_id=who,
        score=round(likeness, 4),
        threshold=threshold,
        encoder=encoder.space,
        same_person=same_person(encoder, reached=round(likeness, 4) >= threshold),
        note=note_on(encoder),
    )


def read_picture(path: Path) -> Bgr:
    """A finished picture as encoders read it."""
    with Image.open(path, formats=["PNG", "JPEG", "WEBP"]) as picture:
        return bgr(np.asarray(picture.convert("RGBA")))
