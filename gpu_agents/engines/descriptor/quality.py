"""How usable the face of a photo is, and how well the photos of one person agree."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from gpu_agents.engines.descriptor.detect import Face
from gpu_agents.engines.descriptor.embedding import Vector, cosine, unit

OUTLIER_BELOW = 0.35  # median cosine with the other photos


class Quality(Struct, frozen=True, kw_only=True):
    """All 0-1: sharpness, exposure, size of the face and their geometric mean; formulas at `measure`."""

    sharpness: float
    exposure: float
    size: float
    overall: float


class Agreement(Struct, frozen=True, kw_only=True):
    """Cosines among the photos: their mean (1 for a single photo), one median a photo, and which photos stand out."""

    consistency: float
    medians: list[float]
    outliers: list[int]


def measure(face: Face) -> Quality:
    """Quality of an aligned face.

    sharpness = v / (v + 150), v = variance of the Laplacian (Pech-Pacheco et al., 2000); exposure = 1 - |mean - 0.5| / 0.5,
    less the share of clipped pixels; size = min(1, face width / 160 px); overall = cube root of the product.
    """
    grey = cv2.cvtColor(face.aligned, cv2.COLOR_BGR2GRAY)
    variance = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    sharpness = variance / (variance + 150)
    clipped = float(((grey < 4) | (grey > 251)).mean())
    exposure = max(0.0, 1 - abs(float(grey.mean()) / 255 - 0.5) / 0.5 - clipped)
    size = min(1.0, face.box[2] / 160)
    overall = float(np.cbrt(sharpness * exposure * size))
    return Quality(sharpness=sharpness, exposure=exposure, size=size, overall=overall)


def agreement(vectors: list[Vector]) -> Agreement:
    """Compare the photos pairwise; with three photos or more one whose median cosine is low is an outlier."""
    count = len(vectors)
    if count == 1:
        return Agreement(consistency=1.0, medians=[1.0], outliers=[])
    table = np.array([[cosine(a, b) for b in vectors] for a in vectors])
    medians = [float(np.median(np.delete(table[i], i))) for i in range(count)]
    outliers = [i for i, median in enumerate(medians) if median < OUTLIER_BELOW] if count >= 3 else []
    pairs = table[np.triu_indices(count, 1)]
    return Agreement(consistency=float(pairs.mean()), medians=medians, outliers=outliers)


def weighted_mean(vectors: list[Vector], weights: list[float], left_out: list[int]) -> Vector:
    """Quality-weighted mean of the photos that are no outliers (all of them if every one is), normalised again."""
    kept = [i for i in range(len(vectors)) if i not in left_out] or list(range(len(vectors)))
    total: npt.NDArray[Any] = np.sum([max(0.05, weights[i]) * vectors[i] for i in kept], axis=0)
    return unit(total)
