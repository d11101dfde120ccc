"""The whole bed: sections of one mood each, crossfaded at their borders, faded at both ends, in blocks.

The bed is exactly as long as its sections together.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise

import numpy as np
from msgspec import Struct

from gpu_agents.engines.tone.streams import HOP, ambience, music
from gpu_agents.media.sound import SAMPLE_RATE, Samples, soft_limit
from schemas.specs import Mood, MusicSpec

CROSSFADE_SECONDS = 2.0
FADE_IN, FADE_OUT = 0.5, 2.0  # s, of the whole bed


class Span(Struct, frozen=True, kw_only=True):
    """Where a section sounds, in samples. It fades in from `begin` and fades out until `end`, which lies as far beyond its
    border as the next section's `fade_in` is long.
    """

    mood: Mood
    begin: int
    end: int
    fade_in: int
    fade_out: int


def total_samples(spec: MusicSpec) -> int:
    """Length of the bed at 48 kHz."""
    return round(sum(seconds for _, seconds in spec.sections) * SAMPLE_RATE)


def plan_spans(spec: MusicSpec) -> list[Span]:
    """Place the sections. A crossfade takes at most half of the section it leads into; equal moods in a row are one span."""
    merged: list[tuple[Mood, float]] = []
    for mood, seconds in spec.sections:
        if merged and merged[-1][0] == mood:
            merged[-1] = (mood, merged[-1][1] + seconds)
        else:
            merged.append((mood, seconds))
    borders = [0, *(round(total * SAMPLE_RATE) for total in accumulate(seconds for _, seconds in merged))]
    borders[-1] = total_samples(spec)
    lengths = [after - before for before, after in pairwise(borders)]
    fades = [0, *(min(round(CROSSFADE_SECONDS * SAMPLE_RATE), length // 2) for length in lengths[1:]), 0]
    return [
        Span(
            mood=mood,
            begin=borders[index],
            end=borders[index + 1] + fades[index + 1],
            fade_in=fades[index],
            fade_out=fades[index + 1],
        )
        for index, (mood, _) in enumerate(merged)
    ]


def bed_blocks(spec: MusicSpec) -> Iterator[Samples]:
    """The bed in stereo blocks of at most `HOP` samples, limited and faded."""
    total = total_samples(spec)
    source = ambience if spec.ambience else music
    players = [_Player(span, source(span.mood, f"{spec.seed}/{index}")) for index, span in enumerate(plan_spans(spec))]
    for start in range(0, total, HOP):
        block = np.zeros((min(HOP, total - start), 2), np.float32)
        for player in players:
            player.add(start, block)
        places = np.arange(start, start + len(block))
        yield soft_limit(block * _ramp(places, 0, total, _share(FADE_IN, total), _share(FADE_OUT, total)))


class _Player:
    """Plays one span into the blocks of the bed."""

    def __init__(self, span: Span, blocks: Iterator[Samples]) -> None:
        self._span, self._blocks = span, blocks
        self._rest: Samples = np.zeros((0, 2), np.float32)

    def add(self, start: int, block: Samples) -> None:
        """Add what falls into the block that begins at sample `start` of the bed."""
        span = self._span
        begin, end = max(start, span.begin), min(start + len(block), span.end)
        if begin >= end:
            return
        while len(self._rest) < end - begin:
            self._rest = np.concatenate([self._rest, next(self._blocks)])
        gain = _ramp(np.arange(begin, end), span.begin, span.end, span.fade_in, span.fade_out)
        block[begin - start : end - start] += self._rest[: end - begin] * gain
        self._rest = self._rest[end - begin :]


def _ramp(places: np.ndarray, begin: int, end: int, fade_in: int, fade_out: int) -> Samples:
    """Equal-power gain (samples, 1): up over `fade_in` samples after `begin`, down over `fade_out` before `end`."""
    rise = (places - begin) / fade_in if fade_in else np.ones(len(places))
    fall = (end - places) / fade_out if fade_out else np.ones(len(places))
    return np.sin(np.pi / 2 * np.clip(np.minimum(rise, fall), 0.0, 1.0)).astype(np.float32)[:, None]


def _share(seconds: float, total: int) -> int:
    return min(round(seconds * SAMPLE_RATE), total // 4)
