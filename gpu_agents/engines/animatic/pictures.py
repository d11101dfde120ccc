"""Poster and thumbnail of a film: the most telling of a few early frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gpu_agents.engines.animatic.timeline import Slot
from gpu_agents.engines.base import OutputFile
from gpu_agents.media.frames import Bytes, Planes, encode_jpeg, resize, to_rgb
from schemas.errors import RenderError

CANDIDATES = 3  # shots whose middle frames are looked at
GOOD_CONTRAST = 28.0  # standard deviation of the luma from which on the first candidate is good enough
THUMBNAIL_SIDE = 384  # px


class PosterPicker:
    """Sees the film's frames as they are painted, before the text, and keeps one."""

    def __init__(self, slots: list[Slot]) -> None:
        self._wanted = {(slot.start + slot.end) // 2 for slot in slots[:CANDIDATES]}
        self._best: Bytes | None = None
        self._score = -1.0

    def look(self, frame: int, planes: Planes) -> None:
        """Consider a frame."""
        if frame not in self._wanted or self._score >= GOOD_CONTRAST:
            return
        score = float(np.std(planes.y[::4, ::4]))
        if score > self._score:
            self._score, self._best = score, to_rgb(planes)

    def write(self, folder: Path) -> list[OutputFile]:
        """Write "poster" (full size) and "thumbnail" (longest side 384 px) as JPEG."""
        if self._best is None:
            raise RenderError("a poster was asked for before any frame was painted")
        height, width = self._best.shape[:2]
        scale = min(1.0, THUMBNAIL_SIDE / max(width, height))
        small = resize(self._best, max(1, round(width * scale)), max(1, round(height * scale)))
        files = []
        for role, picture in (("poster", self._best), ("thumbnail", small)):
            path = folder / f"{role}.jpg"
            path.write_bytes(encode_jpeg(picture))
            media = {"width": picture.shape[1], "height": picture.shape[0]}
            files.append(OutputFile(role=role, path=path, content_type="image/jpeg", media=media))
        return files
