from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.media.frames import Bytes
from gpu_agents.media.sampling import SLACK, TOLERANCE, Matrix, Sampler, find_span

HEIGHT, WIDTH = 60, 80  # of a window
SLOPE = 2  # levels a px of the ramp
LONG = 4000  # px of an axis that nothing leaves


def window(step: float, left: float, top: float, roll: float = 0.0) -> Matrix:
    return np.array([[step, -roll, left], [roll, step, top]])


def drawn(plane: Bytes, matrix: Matrix, *, sharpen: bool = False) -> Bytes:
    out = np.zeros((HEIGHT, WIDTH), np.uint8)
    Sampler([plane], 1.7, sharpen=sharpen).draw(matrix, [out])
    return out


def ramp() -> Bytes:
    """Levels that rise from left to right: their mean tells where a window lies."""
    return np.tile(np.arange(0, 250, SLOPE), (120, 1)).astype(np.uint8)


def cloth() -> Bytes:
    noise = cv2.GaussianBlur(np.random.default_rng(7).normal(size=(150, 200)), (0, 0), 1.5)
    return np.asarray(np.clip(128 + 45 * noise / noise.std(), 0, 255), np.uint8)


@given(st.floats(1.0, 1.7), st.floats(0, 60), st.integers(1, 1300))
def test_a_span_scales_to_the_places_asked_for(step: float, first: float, count: int) -> None:
    first += SLACK * step + 1
    span = find_span(first, step, count, LONG)
    if span is not None:
        assert abs(span.start + (span.skip + 0.5) * step - 0.5 - first) <= TOLERANCE
        assert span.start >= 0
        assert round((span.stop - span.start) / step) == span.skip + count + 1
        assert first + (count - 1) * step <= span.stop - 1  # no sample asks for a pixel behind the last


def test_most_places_of_a_zoom_have_a_span() -> None:
    found = [find_span(200 + 90 * share, 1.2 + 0.4 * share, 1280, LONG) for share in np.linspace(0, 1, 500)]
    assert sum(span is not None for span in found) > 400


def test_beyond_the_plane_there_is_no_span() -> None:
    assert find_span(-3.0, 1.382, 1280, LONG) is None
    assert find_span(200.0, 1.382, 1280, 1900) is None
    assert find_span(200.0, 0.9, 1280, LONG) is None


@pytest.mark.parametrize("roll", [0.0, 1e-9])
def test_a_slow_move_follows_fractions_of_a_pixel(roll: float) -> None:
    sampler, out = Sampler([ramp()], 1.7, sharpen=False), np.zeros((HEIGHT, WIDTH), np.uint8)
    places = np.linspace(3, 5, 101)
    for place in places:
        sampler.draw(window(1.382, place, 7.3, roll), [out])
        seen = out.mean() / SLOPE - 1.382 * (WIDTH - 1) / 2
        assert seen == pytest.approx(place, abs=TOLERANCE + 0.2 / SLOPE)  # bytes round


@given(st.floats(1.05, 1.6), st.floats(0, 1), st.floats(0, 1))
def test_scaling_and_warping_show_the_same(step: float, across: float, down: float) -> None:
    """A move may change between the two from one frame to the next."""
    plane = cloth()
    left, top = (across * (plane.shape[1] - 1 - step * (WIDTH - 1)), down * (plane.shape[0] - 1 - step * (HEIGHT - 1)))
    straight, rolled = (drawn(plane, window(step, left, top, roll)).astype(int) for roll in (0.0, 1e-9))
    steepest = np.abs(np.diff(plane.astype(int))).max()
    assert np.abs(straight - rolled).max() <= 2 * TOLERANCE * steepest + 1
    assert np.abs(straight - rolled).mean() < 1


def test_a_flat_plane_stays_flat_up_to_its_edges() -> None:
    plane = np.full((120, 160), 77, np.uint8)
    edge = window((160 - 1) / (WIDTH - 1), 0, 0)
    assert (drawn(plane, edge, sharpen=True) == 77).all()


def test_sharpening_makes_up_for_what_sampling_loses() -> None:
    """Stripes seen between their pixels keep their contrast."""
    stripes = np.tile(128 + 60 * np.sin(np.arange(200) * 2 * np.pi / 5), (150, 1)).astype(np.uint8)
    matrix = window(1.382, 10.2, 10.2)
    plain, sharp = (drawn(stripes, matrix, sharpen=sharpen).std() for sharpen in (False, True))
    exact = 60 / 2**0.5
    assert plain < 0.9 * exact
    assert sharp == pytest.approx(exact, rel=0.06)
