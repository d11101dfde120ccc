"""Where a shot's pictures come from: a still under a moving camera, or a clip made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from gpu_agents.engines.animatic.camera import WIDEST_ZOOM, chroma_matrix, plan_move, pose_at, window_matrix
from gpu_agents.engines.animatic.timeline import Slot
from gpu_agents.media.clips import ClipReader
from gpu_agents.media.frames import Planes, cover, read_picture, to_planes
from gpu_agents.media.sampling import Sampler
from gpu_agents.media.sniff import sniff
from schemas.errors import RenderError
from schemas.specs import FilmShot, FilmSpec

# Pixels of the canvas to one of the film: so close that linear sampling stays sharp, and of the golden section, whose multiples
# have the most evenly spread fractions, so that a pan always finds a beginning to scale from.
FINENESS = (5 - 5**0.5) / 2


class Source(Protocol):
    """Paints the frames of one shot, asked for in rising order without gaps from the slot's first to its last."""

    def paint(self, frame: int, out: Planes) -> None:
        """Paint the film's frame number `frame`."""

    def close(self) -> None:
        """Let go of files and memory."""


class StillSource:
    """A picture seen through a camera move; its planes are kept a little finer than the move shows them."""

    def __init__(self, path: Path, shot: FilmShot, slot: Slot, spec: FilmSpec) -> None:
        self._slot, self._fps, self._size = slot, spec.fps, (spec.width, spec.height)
        self._move = plan_move(shot.camera, shot.duration, spec.seed, slot.index)
        self._density = FINENESS * (self._move.start.zoom * self._move.end.zoom) ** 0.5
        picture = read_picture(path)
        canvas = cover(picture, _even(spec.width * self._density), _even(spec.height * self._density), fine=True)
        planes = to_planes(np.ascontiguousarray(canvas[: canvas.shape[0] // 2 * 2, : canvas.shape[1] // 2 * 2]))
        self._canvas = (planes.width, planes.height)
        sharpen = (
            canvas.size >= picture.size
        )  # one that was shrunk is as sharp as linear sampling can show without glitter
        self._samplers = [
            Sampler(parts, self._density / WIDEST_ZOOM, sharpen=sharpen) for parts in ([planes.y], [planes.u, planes.v])
        ]

    def paint(self, frame: int, out: Planes) -> None:
        if not self._samplers:
            raise RenderError("a picture was asked for after its shot had ended")
        slot = self._slot
        progress = (frame - slot.first) / max(1, slot.last - slot.first - 1)
        pose = pose_at(self._move, progress, (frame - slot.first) / self._fps)
        matrix = window_matrix(pose, self._canvas, self._size, self._density)
        luma, chroma = self._samplers
        luma.draw(matrix, [out.y])
        chroma.draw(chroma_matrix(matrix), [out.u, out.v])

    def close(self) -> None:
        self._samplers.clear()


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
