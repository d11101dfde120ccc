"""The 768-d descriptor: histograms of gradients, local binary patterns and chroma of an aligned face.

    d = normalise([ 1.0 * n(HOG), 0.8 * n(LBP), 0.6 * n(colour) ]),   n(v) = (v - mean v) / |v - mean v|

HOG (512): 8 x 8 cells x 8 unsigned orientations, square-rooted and L2-normalised over each cell's neighbourhood (after
Dalal & Triggs, 2005). LBP (160): 4 x 4 cells x 10 rotation-invariant uniform codes of 8 neighbours (Ojala et al., 2002).
Colour (96): 4 x 4 cells x (mean and deviation of a* and b*, two hue-free chroma moments), CIE Lab.
The face is equalised first (mean and deviation of L fixed), so brightness and contrast of the photo cancel out.
It tells pictures of people apart better than chance and keeps copies near one another; it is no trained face recogniser.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

DIMENSIONS = 768
ENCODER = "descriptor-768-v1"

Vector = npt.NDArray[Any]
_WEIGHTS = (1.0, 0.8, 0.6)


def embed(aligned: npt.NDArray[Any]) -> Vector:
    """(128, 128, 3) BGR to 768 numbers, mean 0, length 1."""
    lab = cv2.cvtColor(aligned, cv2.COLOR_BGR2LAB).astype(np.float64)
    light = cv2.GaussianBlur(_equalised(lab[..., 0]), (0, 0), 1.0)
    parts = (_hog(light), _lbp(light), _colour(lab))
    joined = np.concatenate([weight * unit(part) for weight, part in zip(_WEIGHTS, parts, strict=True)])
    return unit(joined)


def unit(vector: Vector) -> Vector:
    """Zero mean, length 1; a constant vector stays zero."""
    centred = vector - vector.mean()
    length = float(np.linalg.norm(centred))
    return np.asarray(centred / length if length > 1e-12 else centred)


def _equalised(light: Vector) -> Vector:
    return np.asarray((light - light.mean()) / max(4.0, float(light.std())) * 48 + 128)


def _hog(light: Vector) -> Vector:
    dx, dy = np.gradient(light, axis=1), np.gradient(light, axis=0)
    magnitude, angle = np.hypot(dx, dy), np.mod(np.arctan2(dy, dx), np.pi)
    position = angle / np.pi * 8
    low = np.floor(position).astype(int) % 8
    share = position - np.floor(position)
    cells = np.zeros((8, 8, 8))
    rows, columns = np.indices(light.shape) // (light.shape[0] // 8)
    np.add.at(cells, (rows, columns, low), magnitude * (1 - share))
    np.add.at(cells, (rows, columns, (low + 1) % 8), magnitude * share)
    cells = np.sqrt(cells)
    energy = cv2.blur((cells**2).sum(axis=2), (3, 3))
    return np.asarray((cells / np.sqrt(energy[..., None] + 1e-6)).ravel())


def _lbp(light: Vector) -> Vector:
    padded = np.pad(light, 1, mode="edge")
    height, width = light.shape
    ring = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    bits = np.stack([padded[y : y + height, x : x + width] > light + 1.0 for y, x in ring])
    changes = (bits != np.roll(bits, 1, axis=0)).sum(axis=0)
    codes = np.where(changes <= 2, bits.sum(axis=0), 9)
    cell = height // 4
    histograms = [
        np.bincount(codes[y : y + cell, x : x + cell].ravel(), minlength=10)
        for y in range(0, height, cell)
        for x in range(0, width, cell)
    ]
    return np.asarray(np.sqrt(np.concatenate(histograms).astype(np.float64) / cell**2))


def _colour(lab: Vector) -> Vector:
    chroma = (lab[..., 1:] - 128) / 32
    cell = lab.shape[0] // 4
    features: list[float] = []
    for y in range(0, lab.shape[0], cell):
        for x in range(0, lab.shape[1], cell):
            patch = chroma[y : y + cell, x : x + cell].reshape(-1, 2)
            radius = np.hypot(patch[:, 0], patch[:, 1])
            features += [*patch.mean(axis=0), *patch.std(axis=0), float(radius.mean()), float(radius.std())]
    return np.asarray(features)
