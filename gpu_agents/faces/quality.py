"""How usable the face of a photo is."""

from __future__ import annotations

import cv2
import numpy as np
from msgspec import Struct

from gpu_agents.faces.align import ARCFACE_POINTS, Points, similarity
from gpu_agents.faces.face import Face

_FRONTAL = 0.494  # how far down from the eyes to the mouth the nose lies in the template


class Quality(Struct, frozen=True, kw_only=True):
    """All 0-1: sharpness, exposure, size and pose of the face and their geometric mean; formulas at `measure`."""

    sharpness: float
    exposure: float
    size: float
    overall: float
    pose: float = 1.0


def measure(face: Face) -> Quality:
    """Quality of an aligned face.

    sharpness = v / (v + 150), v = variance of the Laplacian (Pech-Pacheco et al., 2000); exposure = 1 - |mean - 0.5| / 0.5,
    less the share of clipped pixels; size = min(1, face width / 160 px); pose as of `frontal`. overall = geometric mean of
    the four, of the first three where no detector told the face's points.
    """
    grey = cv2.cvtColor(face.aligned, cv2.COLOR_BGR2GRAY)
    variance = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    sharpness = variance / (variance + 150)
    clipped = float(((grey < 4) | (grey > 251)).mean())
    exposure = max(0.0, 1 - abs(float(grey.mean()) / 255 - 0.5) / 0.5 - clipped)
    size = min(1.0, face.box[2] / 160)
    product = sharpness * exposure * size
    if face.points is None:
        return Quality(sharpness=sharpness, exposure=exposure, size=size, overall=float(np.cbrt(product)))
    pose = frontal(face.points)
    overall = float((product * pose) ** 0.25)
    return Quality(sharpness=sharpness, exposure=exposure, size=size, pose=pose, overall=overall)


def frontal(points: Points) -> float:
    """1 for a face that looks straight ahead, 0 for a profile; a face that is only tilted loses nothing.

    (1 - |nose's way from the middle of the eyes / half their distance|) x (1 - |v - 0.494| / 0.494), v = how far down from
    the eyes to the mouth the nose lies.
    """
    matrix = similarity(points, ARCFACE_POINTS)
    upright = np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
    eyes, nose, mouth = upright[:2], upright[2], upright[3:].mean(axis=0)
    middle, half = eyes.mean(axis=0), max(1e-6, float(np.hypot(*(eyes[1] - eyes[0]))) / 2)
    turned = abs(float(nose[0] - middle[0])) / half
    down = float(nose[1] - middle[1]) / max(1e-6, float(mouth[1] - middle[1]))
    return max(0.0, 1 - turned) * max(0.0, 1 - abs(down - _FRONTAL) / _FRONTAL)
