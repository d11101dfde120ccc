"""Alignment, quality and agreement as properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.faces.align import ARCFACE_POINTS, align, similarity
from gpu_agents.faces.face import Face
from gpu_agents.faces.quality import frontal, measure
from gpu_agents.faces.vectors import agreement, unit, weighted_mean
from tests.tiny_models.faces import made_face
from tests.unit.faces.made import bgr

ANGLES = st.floats(-3.1, 3.1)
SCALES = st.floats(0.2, 8)
SHIFTS = st.floats(-500, 500)


def moved(points: np.ndarray, angle: float, scale: float, x: float, y: float) -> np.ndarray:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(scale * points @ turn.T + (x, y))


@given(ANGLES, SCALES, SHIFTS, SHIFTS)
def test_a_face_however_turned_and_scaled_comes_to_lie_on_the_template(
    angle: float, scale: float, x: float, y: float
) -> None:
    seen = moved(ARCFACE_POINTS, angle, scale, x, y)
    matrix = similarity(seen, ARCFACE_POINTS)
    assert seen @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(ARCFACE_POINTS, abs=1e-5)
    assert np.linalg.det(matrix[:, :2]) > 0


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    mirrored = ARCFACE_POINTS * (-1, 1)
    assert np.linalg.det(similarity(mirrored, ARCFACE_POINTS)[:, :2]) > 0


def test_points_that_are_one_point_are_refused() -> None:
    with pytest.raises(ValueError, match="must not all be the same"):
        similarity(np.ones((5, 2)), ARCFACE_POINTS)


def test_the_pixels_follow_the_points() -> None:
    canvas = np.zeros((300, 300, 3), np.uint8)
    points = moved(ARCFACE_POINTS, 0.4, 1.6, 80, 10)
    for x, y in points.round().astype(int):
        canvas[y - 3 : y + 4, x - 3 : x + 4] = 255
    aligned = align(canvas, points)
    for x, y in ARCFACE_POINTS.round().astype(int):
        assert aligned[y, x, 0] > 200


@given(ANGLES, SCALES)
def test_a_tilted_face_is_still_frontal(angle: float, scale: float) -> None:
    assert frontal(moved(ARCFACE_POINTS, angle, scale, 0, 0)) > 0.95


@pytest.mark.parametrize("turn", [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])
def test_the_more_a_face_turns_away_the_worse_it_is(turn: tuple[float, float]) -> None:
    values = []
    for way in (0, 5, 10, 15):
        points = ARCFACE_POINTS.copy()
        points[2] += np.array(turn) * way
        values.append(frontal(points))
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.6


def test_a_turned_face_counts_less() -> None:
    picture = bgr(made_face(1, 112))
    turned = ARCFACE_POINTS + np.array([[0, 0], [0, 0], [14, 0], [0, 0], [0, 0]])
    ahead, away = (
        measure(Face(method="detector", box=(0, 0, 112, 112), score=1, aligned=picture, points=points))
        for points in (ARCFACE_POINTS, turned)
    )
    assert away.pose < ahead.pose
    assert away.overall < ahead.overall


VECTORS = st.lists(st.lists(st.floats(-1, 1), min_size=6, max_size=6), min_size=1, max_size=6).filter(
    lambda rows: all(np.linalg.norm(row) > 1e-3 for row in rows)
)


@given(VECTORS)
def test_agreement_lies_between_its_least_pair_and_one(rows: list[list[float]]) -> None:
    found = agreement([unit(np.array(row)) for row in rows], 0.3)
    assert -1 <= found.least <= found.consistency + 1e-9 <= 1 + 1e-6
    assert len(found.medians) == len(rows)
    assert len(rows) >= 3 or found.outliers == []


@given(st.floats(0.06, 1), st.floats(0.06, 1))
def test_the_mean_leans_towards_the_better_photo(first: float, second: float) -> None:
    a, b = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    mean = weighted_mean([a, b], [first, second])
    assert np.linalg.norm(mean) == pytest.approx(1)
    assert (mean @ a >= mean @ b) == (first >= second)
    assert weighted_mean([a, b], [first, second], [1]) == pytest.approx(a)
