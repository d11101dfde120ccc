"""Noise for natural lines: ridges, shores, dunes. Fractal value noise in one dimension."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt

Line = npt.NDArray[np.float64]


def fractal_line(rng: random.Random, count: int, waves: float, octaves: int = 5, roughness: float = 0.5) -> Line:
    """`count` values in 0-1: octaves of smoothed value noise, the first with `waves` periods over the line.

    Each octave doubles the frequency and multiplies the amplitude by `roughness` (Musgrave's fBm with value noise).
    """
    total = np.zeros(count)
    amplitude, weight = 1.0, 0.0
    for _ in range(octaves):
        knots = np.array([rng.random() for _ in range(int(waves) + 3)])
        position = np.linspace(0, waves, count) + rng.random()
        left = np.minimum(position.astype(int), len(knots) - 2)
        t = position - left
        t = t * t * (3 - 2 * t)
        total += amplitude * (knots[left] * (1 - t) + knots[left + 1] * t)
        weight += amplitude
        amplitude *= roughness
        waves *= 2
    low, high = float(total.min()), float(total.max())
    return np.asarray((total - low) / max(1e-9, high - low))


def peaks(line: Line, reach: int) -> list[int]:
    """Indices that are the highest within `reach` samples on both sides."""
    last = len(line) - reach
    return [i for i in range(reach, last) if line[i] >= line[i - reach : i + reach + 1].max()]
