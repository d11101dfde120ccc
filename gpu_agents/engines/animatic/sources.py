"""Where a shot's pictures come from: a still under a moving camera, or a clip made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from gpu_agents.engines.animatic.camera import chroma_matrix, plan_move, pose_at, window_matrix
from gpu_agents.engines.animatic.timeline import Slot
from gpu_agents.media.clips import ClipReader
from gpu_agents.media.frames import Planes, cover, read_picture, to_planes
from gpu_agents.media.sniff import sniff
from schemas.errors import RenderError
from schemas.specs import FilmShot, FilmSpec


class Source(Protocol):
    """Paints the frames of one shot, asked for in rising order without gaps from the slot's first to its last."""

    def paint(self, frame: int, out: Planes) -> None:
        """Paint the film's frame number `frame`."""

    def close(self) -> None:
        """Let go of files and memory."""


class StillSource:
    """A picture seen through a camera move; its planes are kept at about the sharpness that the move shows."""

    def __init__(self, path: Path, shot: FilmShot, slot: Slot, spec: FilmSpec) -> None:
        self._slot, self._fps, self._size = slot, spec.fps, (spec.width, spec.height)
        self._move = plan_move(shot.camera, shot.duration, spec.seed, slot.index)
        self._density = (self._move.start.zoom * self._move.end.zoom) ** 0.5
        canvas = cover(read_picture(path), _even(spec.width * self._density), _even(spec.height * self._density))
        canvas = np.ascontiguousarray(canvas[: canvas.shape[0] // 2 * 2, : canvas.shape[1] // 2 * 2])
        self._planes: Planes | None = to_planes(canvas)

    def paint(self, frame: int, out: Planes) -> None:
        planes = self._planes
        if planes is None:
            raise RenderError("a picture was asked for after its shot had ended")
        slot = self._slot
        progress = (frame - slot.first) / max(1, slot.last - slot.first - 1)
        pose = pose_at(self._move, progress, (frame - slot.first) / self._fps)
        matrix = window_matrix(pose, (planes.width, planes.height), self._size, self._density)
        _warp(planes.y, matrix, out.y, cv2.INTER_CUBIC)
        half = chroma_matrix(matrix)
        _warp(planes.u, half, out.u, cv2.INTER_LINEAR)
        _warp(planes.v, half, out.v, cv2.INTER_LINEAR)

    def close(self) -> None:
        self._planes = None


class ClipSource:
    """A video clip, cut to the shot and fitted to the film."""

    def __init__(self, path: Path, slot: Slot, spec: FilmSpec) -> None:
        self._reader = ClipReader(path, spec.width, spec.height, spec.fps, slot.last - slot.first)

    def paint(self, frame: int, out: Planes) -> None:  # noqa: ARG002 - a clip is read in order
        to_planes(self._reader.next_frame(), out)

    def close(self) -> None:
        self._reader.close()


def open_source(path: Path, shot: FilmShot, slot: Slot, spec: FilmSpec) -> Source:
    """The source for a file by what it is. Raises `RenderError` when it is neither a picture nor a clip."""
    kind = sniff(path)
    if kind == "picture":
        return StillSource(path, shot, slot, spec)
    if kind == "clip":
        return ClipSource(path, slot, spec)
    raise RenderError(f"shot {shot.shot_id}: {path.name} is a sound where a picture or a clip was expected")


def _even(size: float) -> int:
    return int(-(-size // 2)) * 2


def _warp(source: np.ndarray, matrix: np.ndarray, out: np.ndarray, interpolation: int) -> None:
    flags = interpolation | cv2.WARP_INVERSE_MAP
    size = (out.shape[1], out.shape[0])
    cv2.warpAffine(source, matrix, size, dst=out, flags=flags, borderMode=cv2.BORDER_REPLICATE)
