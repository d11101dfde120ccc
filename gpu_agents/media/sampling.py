"""Planes sampled between their pixels, as a moving camera needs it: linear, at the very places or within `TOLERANCE` of them.

A window that lies straight on the plane is scaled, at less than half the price of warping it. Scaling decides by itself where
the samples fall: number n at (n + 1/2) * step - 1/2 from the edge between two pixels. Beginning some samples before the window
moves them by fractions of a pixel, so among up to `SLACK` of them one beginning nearly always fits; what lies before the window
is dropped. Where none fits and where the camera rolls, the plane is warped.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from gpu_agents.media.frames import Bytes

Matrix = NDArray[np.float64]
SLACK = 64  # samples
TOLERANCE = 1 / 40  # px
_AHEAD = np.arange(SLACK + 1) + 0.5
_SHARPEN = np.array([-1, 14, -1]) / 12  # between pixels linear sampling blurs, by 1/6 px² on average: this undoes it


class Span(Struct, frozen=True):
    """The pixels of one axis to scale, and how many of the samples that come out lie before the window; one lies behind it."""

    start: int
    stop: int
    skip: int


class Sampler:
    """Draws windows of planes of one size; `step` is the largest distance between two samples, in px of the planes.

    `sharpen` makes up for what linear sampling loses.
    """

    def __init__(self, planes: Sequence[Bytes], step: float, *, sharpen: bool) -> None:
        self._margin, behind = ceil(SLACK * step) + 1, ceil(1.5 * step) + 1
        self._planes = [_bordered(_sharpened(plane) if sharpen else plane, self._margin, behind) for plane in planes]
        self._scratch: Bytes = np.empty(0, np.uint8)

    def draw(self, matrix: Matrix, outs: Sequence[Bytes]) -> None:
        """Fill `outs`, one for each plane and all of one size; `matrix` (2x3) takes their pixels to places on the planes."""
        inside = matrix + np.array([[0.0, 0.0, self._margin]])
        spans = self._spans(inside, outs[0].shape)
        for plane, out in zip(self._planes, outs, strict=True):
            if spans:
                self._scale(plane, spans, (1 / inside[0, 0], 1 / inside[1, 1]), out)
            else:
                flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
                size = (out.shape[1], out.shape[0])
                cv2.warpAffine(plane, inside, size, dst=out, flags=flags, borderMode=cv2.BORDER_REPLICATE)

    def _spans(self, matrix: Matrix, size: tuple[int, ...]) -> tuple[Span, Span] | None:
        if matrix[0, 1] or matrix[1, 0]:
            return None
        rows = find_span(matrix[1, 2], matrix[1, 1], size[0], self._planes[0].shape[0])
        columns = find_span(matrix[0, 2], matrix[0, 0], size[1], self._planes[0].shape[1]) if rows else None
        return (rows, columns) if rows and columns else None

    def _scale(self, plane: Bytes, spans: tuple[Span, Span], factors: tuple[float, float], out: Bytes) -> None:
        rows, columns = spans
        height, width = rows.skip + out.shape[0] + 1, columns.skip + out.shape[1] + 1
        if self._scratch.size < height * width:
            self._scratch = np.empty((SLACK + out.shape[0] + 1) * (SLACK + out.shape[1] + 1), np.uint8)
        scaled = self._scratch[: height * width].reshape(height, width)
        source = plane[rows.start : rows.stop, columns.start : columns.stop]
        cv2.resize(source, None, dst=scaled, fx=factors[0], fy=factors[1], interpolation=cv2.INTER_LINEAR)
        np.copyto(out, scaled[rows.skip : -1, columns.skip : -1])


def find_span(first: float, step: float, count: int, length: int) -> Span | None:
    """Pixels which, scaled by 1/`step`, have samples at `first`, `first` + `step` and so on, `count` in all.

    None where no beginning fits, where samples lie closer than pixels, or beyond the axis, which has `length` pixels.
    """
    starts = first - (_AHEAD * step - 0.5)
    errors = np.abs(starts - np.rint(starts))
    skip = int(errors.argmin())
    start = round(float(starts[skip]))
    stop = start + round((skip + count + 1) * step)
    if step <= 1 or errors[skip] > TOLERANCE or start < 0 or stop > length:
        return None
    return Span(start, stop, skip)


def _sharpened(plane: Bytes) -> Bytes:
    sharp = cv2.sepFilter2D(plane, -1, _SHARPEN, _SHARPEN, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(sharp, np.uint8)


def _bordered(plane: Bytes, before: int, behind: int) -> Bytes:
    """The plane with its outermost pixels repeated outwards."""
    bordered = cv2.copyMakeBorder(plane, before, behind, before, behind, cv2.BORDER_REPLICATE)
    return np.asarray(bordered, np.uint8)
