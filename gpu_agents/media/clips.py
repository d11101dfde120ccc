"""Video clips made elsewhere, cut and fitted with moviepy, one frame at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gpu_agents.media.frames import MAX_PIXELS, Bytes, cover, crop_centre
from schemas.errors import RenderError


class ClipReader:
    """Frames of a clip at the film's size and rate: scaled to cover it, cropped to the middle, the last one held at the end.

    `frames` is how many will be asked for at most. Raises `RenderError` when the file cannot be read.
    """

    def __init__(self, path: Path, width: int, height: int, fps: int, frames: int) -> None:
        self._size = (width, height)
        self._name = path.name
        self._clip = _open(path)
        if self._clip.w * self._clip.h > MAX_PIXELS:
            self.close()
            raise RenderError(f"clip {path.name}: {self._clip.w}x{self._clip.h} is more than {MAX_PIXELS} pixels")
        cut = self._clip.subclipped(0, min(float(self._clip.duration), frames / fps))
        self._frames: Iterator[Any] = cut.iter_frames(fps=fps, dtype="uint8")
        self._last: Bytes | None = None

    def next_frame(self) -> Bytes:
        """The next frame, RGB (height, width, 3)."""
        try:
            frame = next(self._frames, None)
        except OSError as error:
            raise RenderError(f"clip {self._name} cannot be decoded: {error}") from error
        if frame is not None:
            self._last = np.ascontiguousarray(crop_centre(cover(np.asarray(frame, np.uint8), *self._size), *self._size))
        if self._last is None:
            raise RenderError(f"clip {self._name} has no pictures")
        return self._last

    def close(self) -> None:
        """End moviepy's decoder."""
        self._clip.close()


def _open(path: Path) -> Any:
    from moviepy import VideoFileClip

    try:
        return VideoFileClip(str(path), audio=False)
    except (OSError, KeyError, ValueError, IndexError) as error:
        reason = str(error).strip().splitlines() or ["unknown format"]
        raise RenderError(f"clip {path.name} cannot be read: {reason[0]}") from error
