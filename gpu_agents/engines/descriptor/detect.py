"""Finding the face of a photo: a configured ONNX detector, or the middle of the picture, which says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from gpu_agents.faces.face import Bgr, Face
from schemas.errors import ConfigurationError

VARIABLE = "STORYREEL_FACE_DETECTOR_MODEL"
SIZE = 128  # pixels of an aligned face
LEFT_EYE, RIGHT_EYE = (0.34, 0.40), (0.66, 0.40)  # where the eyes come to lie, as shares of SIZE
_LONG_SIDE = 640  # photos are searched at this size
_EYE_DISTANCE = RIGHT_EYE[0] - LEFT_EYE[0]


def load_detector(path: str) -> Any | None:
    """`cv2.FaceDetectorYN` from an ONNX file (YuNet's outputs), None for "". Raises `ConfigurationError` naming the variable.

    It is tried on a blank picture, since OpenCV reports a model of another shape only when it runs.
    """
    if not path:
        return None
    if not Path(path).is_file():
        raise ConfigurationError(f"{VARIABLE}: {path} is not a file")
    try:
        detector = cv2.FaceDetectorYN.create(path, "", (320, 320), 0.6, 0.3, 50)
        detector.detect(np.zeros((320, 320, 3), np.uint8))
    except cv2.error as error:
        raise ConfigurationError(
            f"{VARIABLE}: {path} is no face detector that OpenCV can run: {error.err or error}"
        ) from error
    return detector


def detector_from_env() -> Any | None:
    """The detector that the environment names."""
    return load_detector(os.environ.get(VARIABLE, ""))


def find_face(photo: Bgr, detector: Any | None) -> Face:
    """The best face of `photo` (h, w, 3); the centre crop when there is no detector or it finds nothing."""
    return next(iter(detect(photo, detector)), None) or centre_crop(photo)


def detect(photo: Bgr, detector: Any | None) -> list[Face]:
    """Every face of `photo` that the detector finds, the large and certain ones first; none without a detector."""
    if detector is None:
        return []
    height, width = photo.shape[:2]
    scale = min(1.0, _LONG_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    detector.setInputSize(size)
    _, rows = detector.detect(cv2.resize(photo, size, interpolation=cv2.INTER_AREA))
    found = [] if rows is None else sorted(rows, key=lambda row: -float(row[14]) * float(row[2] * row[3]) ** 0.5)
    return [_face(photo, row, scale, len(found) - 1) for row in found]


def _face(photo: Bgr, row: npt.NDArray[Any], scale: float, others: int) -> Face:
    x, y, w, h = (float(value) / scale for value in row[:4])
    points = np.array(row[4:14], np.float64).reshape(5, 2) / scale
    left, right = points[:2][points[:2, 0].argsort()]
    return Face(
        method="detector",
        box=(x, y, w, h),
        score=float(min(1.0, max(0.0, row[14]))),
        aligned=align(photo, left, right),
        others=others,
        points=points,
    )


def align(photo: Bgr, left_eye: npt.NDArray[Any], right_eye: npt.NDArray[Any]) -> Bgr:
    """Turn, scale and move the photo so that both eyes lie at their places (a similarity is fixed by two points)."""
    delta = right_eye - left_eye
    distance = max(1e-6, float(np.hypot(*delta)))
    factor = _EYE_DISTANCE * SIZE / distance
    angle = np.degrees(np.arctan2(delta[1], delta[0]))
    middle = (left_eye + right_eye) / 2
    matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), float(angle), float(factor))
    matrix[:, 2] += np.array([0.5 * SIZE, LEFT_EYE[1] * SIZE]) - middle
    return np.asarray(
        cv2.warpAffine(photo, matrix, (SIZE, SIZE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE),
        dtype=np.uint8,
    )


def centre_crop(photo: Bgr) -> Face:
    """The square where the face of a portrait photo usually is: centred, a little above the middle, 70 % of the short side."""
    height, width = photo.shape[:2]
    side = max(8, int(min(height, width) * 0.7))
    x, y = (width - side) // 2, int((height - side) * 0.35)
    crop = photo[y : y + side, x : x + side]
    interpolation = cv2.INTER_AREA if side > SIZE else cv2.INTER_LINEAR
    aligned = np.asarray(cv2.resize(crop, (SIZE, SIZE), interpolation=interpolation), dtype=np.uint8)
    return Face(method="centre_crop", box=(float(x), float(y), float(side), float(side)), score=0.0, aligned=aligned)
