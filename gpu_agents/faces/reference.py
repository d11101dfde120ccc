"""A character's stored vector as specs carry it, and the score of a face against it."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from gpu_agents.faces.face import FaceEncoder, Vector
from gpu_agents.faces.vectors import compare, unit
from schemas.errors import ConfigurationError, RenderError
from schemas.specs import FaceRef

THRESHOLDS = "STORYREEL_FACE_THRESHOLDS"


def vector_of(reference: FaceRef) -> Vector:
    """The stored vector, length 1. Raises `RenderError` when the bytes are none."""
    if not reference.vector or len(reference.vector) % 2:
        raise RenderError("the character's stored vector is damaged", code="bad_face_vector")
    return unit(np.frombuffer(reference.vector, dtype="<f2").astype(np.float64))


def compare_with(encoder: FaceEncoder, vector: Vector, reference: FaceRef) -> float:
    """Cosine of a fresh vector and the stored one. Raises `RenderError` naming both spaces when they differ."""
    return compare(vector, encoder.space, vector_of(reference), reference.space)


def threshold_of(encoder: FaceEncoder) -> float:
    """The encoder's threshold, or the one that STORYREEL_FACE_THRESHOLDS gives it."""
    return thresholds(os.environ).get(encoder.name, encoder.threshold)


def thresholds(environ: Mapping[str, str]) -> dict[str, float]:
    """Cosines by encoder, from a text like insightface=0.4,clip-face=0.8. Raises `ConfigurationError` naming the rule."""
    found: dict[str, float] = {}
    for part in filter(None, (word.strip() for word in environ.get(THRESHOLDS, "").split(","))):
        name, _, value = part.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = 2.0
        if not name or not -1 <= number <= 1:
            raise ConfigurationError(f"{THRESHOLDS}: {part!r} must look like ENCODER=NUMBER with a number from -1 to 1")
        found[name] = number
    return found
