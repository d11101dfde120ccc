"""A face turned, scaled and moved onto a template of five points, by the least-squares similarity (Umeyama, 1991)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from gpu_agents.faces.face import Bgr

ARCFACE_SIZE = 112  # pixels of the picture that ArcFace-type networks read
ARCFACE_POINTS = np.array(  # where both eyes, the nose and the mouth corners lie in it (Deng et al., 2019)
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)

Points = npt.NDArray[Any]


def similarity(source: Points, target: Points) -> npt.NDArray[Any]:
    """(2, 3) matrix of the rotation, scale and shift that brings the (n, 2) points nearest to `target`; never a mirror.

    Raises `ValueError` when all source points are one point.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    from_centre, to_centre = source.mean(axis=0), target.mean(axis=0)
    moved, wanted = source - from_centre, target - to_centre
    spread = float((moved**2).sum()) / len(source)
    if spread < 1e-12:
        raise ValueError("the points of a face must not all be the same")
    left, strength, right = np.linalg.svd(wanted.T @ moved / len(source))
    sign = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    turn = left @ np.diag(sign) @ right
    scale = float(strength @ sign) / spread
    return np.asarray(np.column_stack([scale * turn, to_centre - scale * turn @ from_centre]))


def align(photo: Bgr, points: Points, size: int = ARCFACE_SIZE) -> Bgr:
    """The (size, size, 3) picture in which the five points lie where ArcFace's template has them."""
    matrix = similarity(points, ARCFACE_POINTS * (size / ARCFACE_SIZE))
    return np.asarray(
        cv2.warpAffine(photo, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        dtype=np.uint8,
    )
