"""Vectors of faces: compared only within one space, averaged by quality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from gpu_agents.faces.face import Vector
from schemas.errors import RenderError

_LEAST_WEIGHT = 0.05


class Agreement(Struct, frozen=True, kw_only=True):
    """Cosines among the photos: mean and least of all pairs (1 for one photo), a median each, and which stand out."""

    consistency: float
    least: float
    medians: list[float]
    outliers: list[int]


def unit(vector: Vector) -> Vector:
    """Length 1; a vector of zeros stays one."""
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length > 1e-12 else vector)


def cosine(first: Vector, second: Vector) -> float:
    """Similarity of two unit vectors, -1 to 1."""
    return float(np.clip(first @ second, -1.0, 1.0))


def compare(first: Vector, space: str, second: Vector, other: str) -> float:
    """`cosine` of two vectors of one space. Raises `RenderError` naming both spaces when they differ."""
    if space != other:
        message = f"vectors of the face encoders {space!r} and {other!r} cannot be compared"
        raise RenderError(message, code="other_face_space")
    return cosine(first, second)


def agreement(vectors: Sequence[Vector], below: float) -> Agreement:
    """Compare the photos pairwise; of three photos or more one whose median cosine is lower than `below` is an outlier."""
    count = len(vectors)
    if count == 1:
        return Agreement(consistency=1.0, least=1.0, medians=[1.0], outliers=[])
    table = np.array([[cosine(a, b) for b in vectors] for a in vectors])
    medians = [float(np.median(np.delete(table[i], i))) for i in range(count)]
    outliers = [i for i, median in enumerate(medians) if median < below] if count >= 3 else []
    pairs = table[np.triu_indices(count, 1)]
    return Agreement(consistency=float(pairs.mean()), least=float(pairs.min()), medians=medians, outliers=outliers)


def weighted_mean(vectors: Sequence[Vector], weights: Sequence[float], left_out: Sequence[int] = ()) -> Vector:
    """Quality-weighted mean of the photos that are no outliers (all of them if every one is), length 1."""
    return unit(raw_mean(vectors, weights, left_out))


def raw_mean(vectors: Sequence[Vector], weights: Sequence[float], left_out: Sequence[int] = ()) -> Vector:
    """The same as a mean whose length is kept. No photo weighs less than 0.05."""
    kept = [i for i in range(len(vectors)) if i not in left_out] or list(range(len(vectors)))
    shares = np.array([max(_LEAST_WEIGHT, weights[i]) for i in kept])
    stacked: npt.NDArray[Any] = np.stack([vectors[i] for i in kept])
    return np.asarray((shares[:, None] * stacked).sum(axis=0) / shares.sum())
