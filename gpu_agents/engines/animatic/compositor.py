"""Puts one frame of the film together: the shot's picture, the transition, then the text over it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gpu_agents.engines.animatic.sources import Source
from gpu_agents.engines.animatic.timeline import Slot, View, view_at
from gpu_agents.media.captions import Overlay
from gpu_agents.media.frames import Planes, mix
from gpu_agents.media.subtitles import Cue

WIPE_SOFTNESS = 0.08  # width of the wipe's soft edge as a share of the frame's width
TEXT_FADE_SECONDS = 0.15
TITLE_FADE_SECONDS = 0.5


class Compositor:
    """Paints frames in rising order; opens each shot's source when it is first needed and drops it after its last frame."""

    def __init__(self, slots: list[Slot], open_slot: Callable[[Slot], Source], width: int, height: int) -> None:
        self._slots, self._open_slot = slots, open_slot
        self._open: dict[int, Source] = {}
        self._scratch = Planes(width, height)
        self._black = Planes(width, height).fill_black()
        self._current = 0

    def paint(self, frame: int, out: Planes) -> Slot:
        """Paint the film's picture number `frame` without text; returns the slot it lies in."""
        while frame >= self._slots[self._current].end:
            self._current += 1
        for index in [index for index in self._open if frame >= self._slots[index].last]:
            self._open.pop(index).close()
        self._compose(view_at(self._slots, self._current, frame), frame, out)
        return self._slots[self._current]

    def close(self) -> None:
        """Let go of every open source."""
        for source in self._open.values():
            source.close()
        self._open.clear()

    def _compose(self, view: View, frame: int, out: Planes) -> None:
        self._source(view.index).paint(frame, out)
        if view.kind == "fade":
            mix(out, self._black, view.amount, out)
        elif view.other is not None:
            self._source(view.other).paint(frame, self._scratch)
            if view.kind == "wipe":
                wipe(out, self._scratch, view.amount)
            else:
                mix(out, self._scratch, view.amount, out)

    def _source(self, index: int) -> Source:
        if index not in self._open:
            self._open[index] = self._open_slot(self._slots[index])
        return self._open[index]


class TextTrack:
    """The text over the picture: the subtitle of the moment and, at the beginning, the title. Only one cue is kept drawn."""

    def __init__(
        self, cues: list[Cue], draw: Callable[[Cue], Overlay], title: Overlay | None, title_end: float
    ) -> None:
        self._cues, self._draw = cues, draw
        self._title, self._title_end = title, title_end
        self._position = 0
        self._overlay: Overlay | None = None

    def paint(self, seconds: float, out: Planes) -> None:
        """Blend what is visible `seconds` into the film; times never go back."""
        if self._title is not None:
            if seconds < self._title_end:
                self._title.blend(out, _strength(seconds, 0.0, self._title_end, TITLE_FADE_SECONDS))
            else:
                self._title = None
        while self._position < len(self._cues) and seconds >= self._cues[self._position].end:
            self._position += 1
            self._overlay = None
        if self._position < len(self._cues) and seconds >= self._cues[self._position].start:
            cue = self._cues[self._position]
            self._overlay = self._overlay or self._draw(cue)
            self._overlay.blend(out, _strength(seconds, cue.start, cue.end, TEXT_FADE_SECONDS))


def wipe(out: Planes, incoming: Planes, amount: float) -> None:
    """Uncover `incoming` over `out` from the left with a soft edge; `amount` 0..1 of the way."""
    soft = max(2, int(out.width * WIPE_SOFTNESS) // 2 * 2)
    edge = int((out.width + soft) * amount) // 2 * 2
    ramp = np.clip((edge - np.arange(out.width)) / soft, 0.0, 1.0).astype(np.float32)
    left, right = max(0, edge - soft), min(out.width, edge)
    for plane, new, step in ((out.y, incoming.y, 1), (out.u, incoming.u, 2), (out.v, incoming.v, 2)):
        band, share = slice(left // step, right // step), ramp[left:right:step]
        plane[:, : left // step] = new[:, : left // step]
        plane[:, band] = (plane[:, band] * (1 - share) + new[:, band] * share + 0.5).astype(np.uint8)


def _strength(seconds: float, start: float, end: float, fade: float) -> float:
    ramp = min(fade, (end - start) / 4)
    return float(min(1.0, max(0.0, (seconds - start) / ramp), max(0.0, (end - seconds) / ramp))) if ramp > 0 else 1.0
