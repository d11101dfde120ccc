"""Camera moves over a still: where the film's window lies on the picture at each moment. Pure arithmetic, no pixels.

Coordinates are pixels of a canvas (the still scaled to cover the film), x right, y down; the window is the film's frame.
"""

from __future__ import annotations

import math
import random
from typing import get_args

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from schemas.specs import Camera

Matrix = NDArray[np.float64]
LINEAR_SHARE = 0.35  # how much of a move runs at even speed; the rest eases in and out
FULL_MOVE_SECONDS = 5.0  # shorter shots move less far, so that no picture races
WIDEST_ZOOM = 1.0
HAND_ROLL = 0.22  # degrees that a hand tilts the camera
_SITING = np.array([0.0, 0.5])  # of a chroma sample within its luma pixels


class Pose(Struct, frozen=True):
    """The window at one moment: `zoom` >= 1 (1 = as wide as the canvas allows), its centre as a share of the free play
    (-1..1 on each axis) and `roll` in degrees.
    """

    zoom: float
    x: float = 0.0
    y: float = 0.0
    roll: float = 0.0


class Move(Struct, frozen=True):
    """A camera move from one pose to another; `sway` is the hand's tremor as a share of the free play."""

    start: Pose
    end: Pose
    sway: float = 0.0
    phase: float = 0.0


_MOVES: dict[Camera, Move] = {
    "static": Move(Pose(1.02), Pose(1.035)),
    "close_up": Move(Pose(1.12, 0, -0.25), Pose(1.22, 0, -0.3)),
    "medium": Move(Pose(1.04, -0.2), Pose(1.11, 0.15)),
    "wide": Move(Pose(1.09), Pose(1.0)),
    "low_angle": Move(Pose(1.14, 0, 0.8), Pose(1.1, 0, -0.8)),
    "high_angle": Move(Pose(1.12, 0, -0.8), Pose(1.16, 0, 0.7)),
    "aerial": Move(Pose(1.2, -0.5, 0.45, -1.1), Pose(1.08, 0.4, -0.4, 0.9)),
    "pan": Move(Pose(1.12, -0.95), Pose(1.12, 0.95)),
    "dolly": Move(Pose(1.03), Pose(1.24)),
    "zoom": Move(Pose(1.0), Pose(1.36)),
    "handheld": Move(Pose(1.09, -0.15), Pose(1.11, 0.15), sway=0.14),
}
assert set(_MOVES) == set(get_args(Camera))


def plan_move(camera: Camera, duration: float, seed: int, index: int) -> Move:
    """The move of one shot: mirrored on every second shot, shortened for shots below `FULL_MOVE_SECONDS` seconds."""
    move = _MOVES[camera]
    chance = random.Random(f"{seed}/{index}")
    mirror = -1.0 if (index + seed) % 2 else 1.0
    reach = min(1.0, 0.35 + 0.65 * duration / FULL_MOVE_SECONDS)
    middle = _between(move.start, move.end, 0.5)
    start, end = (_mirror(_between(middle, pose, reach), mirror) for pose in (move.start, move.end))
    return Move(start, end, move.sway, chance.uniform(0.0, 100.0))


def pose_at(move: Move, progress: float, seconds: float) -> Pose:
    """The pose after a share `progress` (0..1, clipped) of the move, `seconds` into the shot."""
    pose = _between(move.start, move.end, _ease(min(1.0, max(0.0, progress))))
    if not move.sway:
        return pose
    tremor_x, tremor_y, tremor_roll = (_tremor(seconds, move.phase + offset) for offset in (0.0, 17.0, 41.0))
    x, y = pose.x + tremor_x * move.sway, pose.y + tremor_y * move.sway
    return Pose(pose.zoom, x, y, pose.roll + tremor_roll * HAND_ROLL)


def window_matrix(pose: Pose, canvas: tuple[int, int], frame: tuple[int, int], density: float = 1.0) -> Matrix:
    """2x3 matrix that takes a pixel of the frame to its place on the canvas (both sizes: width, height px).

    `density` is the number of canvas pixels a frame pixel spans at zoom 1; the canvas is at least `density` frames large.
    The zoom is raised as far as a rolled window needs and the centre is held back, so that no corner leaves the canvas.
    """
    width, height = (frame[0] - 1) * density, (frame[1] - 1) * density
    far_x, far_y = (canvas[0] - 1) / 2, (canvas[1] - 1) / 2
    roll = math.radians(pose.roll)
    cos, sin = math.cos(roll), abs(math.sin(roll))
    half_width, half_height = (width * cos + height * sin) / 2, (width * sin + height * cos) / 2
    zoom = max(pose.zoom, WIDEST_ZOOM, half_width / far_x, half_height / far_y)
    centre_x = far_x + _clip(pose.x) * (far_x - half_width / zoom)
    centre_y = far_y + _clip(pose.y) * (far_y - half_height / zoom)
    scale_cos, scale_sin = density * cos / zoom, density * math.sin(roll) / zoom
    middle_x, middle_y = (frame[0] - 1) / 2, (frame[1] - 1) / 2
    return np.array(
        [
            [scale_cos, -scale_sin, centre_x - scale_cos * middle_x + scale_sin * middle_y],
            [scale_sin, scale_cos, centre_y - scale_sin * middle_x - scale_cos * middle_y],
        ]
    )


def chroma_matrix(matrix: Matrix) -> Matrix:
    """The same window for half-size chroma planes whose samples sit on even columns and between two rows."""
    half = matrix.copy()
    half[:, 2] = (matrix[:, 1] * 0.5 + matrix[:, 2] - _SITING) / 2
    return half


def _between(first: Pose, second: Pose, share: float) -> Pose:
    """Linear mix; the zoom is mixed geometrically, which looks like even speed."""
    zoom = first.zoom * (second.zoom / first.zoom) ** share
    x, y, roll = (a + (b - a) * share for a, b in ((first.x, second.x), (first.y, second.y), (first.roll, second.roll)))
    return Pose(zoom, x, y, roll)


def _mirror(pose: Pose, sign: float) -> Pose:
    return Pose(pose.zoom, pose.x * sign, pose.y, pose.roll * sign)


def _ease(share: float) -> float:
    smooth = share * share * (3.0 - 2.0 * share)
    return LINEAR_SHARE * share + (1.0 - LINEAR_SHARE) * smooth


def _tremor(seconds: float, phase: float) -> float:
    """A slow sum of incommensurable sines in -1..1."""
    waves = ((0.27, 0.6), (0.71, 0.3), (1.6, 0.1))
    return sum(weight * math.sin(math.tau * rate * seconds + phase * (1 + rate)) for rate, weight in waves)


def _clip(value: float) -> float:
    return min(1.0, max(-1.0, value))
