"""Where persons stand in a frame, and the picture of their faces' points that IdentityNet reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from gpu_agents.faces.align import ARCFACE_POINTS, Points, similarity

Pixels = npt.NDArray[Any]
FACE_SHARE = {"close_up": 0.42, "medium": 0.26, "wide": 0.13, "aerial": 0.08}  # height of a face of the frame's
_ELSE = 0.26
_EYE_LINE = 0.40  # of the frame's height
_COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255))  # eyes, nose, mouth corners; RGB
_NOSE = 2
_LIMB = 0.6  # brightness of the lines between nose and other points
_TEMPLATE_HEIGHT = 92.0  # of a face, chin to brow, in the pixels of ArcFace's template


def regions(people: int, width: int, height: int) -> npt.NDArray[Any]:
    """(people, height, width) masks of 0 and 1: upright strips from left to right that cover the frame, one a person."""
    masks = np.zeros((people, height, width), np.float32)
    borders = [round(place * width / people) for place in range(people + 1)]
    for place in range(people):
        masks[place, :, borders[place] : borders[place + 1]] = 1
    return masks


def placed(points: Points, place: int, people: int, camera: str, width: int, height: int) -> Points:
    """The five points of a photo's face, upright, as large as the camera asks, in the middle of its person's strip."""
    matrix = similarity(points, ARCFACE_POINTS)
    upright = np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
    strip = width / people
    scale = min(FACE_SHARE.get(camera, _ELSE) * height, 0.7 * strip) / _TEMPLATE_HEIGHT
    eyes = upright[:2].mean(axis=0)
    return np.asarray((upright - eyes) * scale + ((place + 0.5) * strip, _EYE_LINE * height))


def points_picture(faces: Sequence[Points], width: int, height: int) -> Pixels:
    """(height, width, 3) RGB: on black, for every face a dot a point and a dim line from the nose to each other one."""
    canvas = np.zeros((height, width, 3), np.uint8)
    for points in faces:
        for number, colour in enumerate(_COLOURS):
            dim = tuple(round(value * _LIMB) for value in colour)
            if number != _NOSE:
                cv2.line(canvas, _pixel(points[_NOSE]), _pixel(points[number]), dim, max(1, round(_reach(points) / 12)))
    for points in faces:
        for number, colour in enumerate(_COLOURS):
            cv2.circle(canvas, _pixel(points[number]), max(1, round(_reach(points) / 7)), colour, -1)
    return canvas


def _reach(points: Points) -> float:
    """Pixels between the eyes."""
    return float(np.hypot(*(points[1] - points[0])))


def _pixel(point: Points) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
