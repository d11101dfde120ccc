from __future__ import annotations

import itertools
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.engines.animatic.camera import chroma_matrix, plan_move, pose_at, window_matrix
from gpu_agents.engines.animatic.compositor import wipe
from gpu_agents.engines.animatic.soundtrack import DUCKED, duck_gain
from gpu_agents.engines.animatic.timeline import plan_slots, view_at
from gpu_agents.media.frames import Planes
from schemas.errors import RenderError
from schemas.specs import Camera, FilmShot, FilmSpec, Transition

CAMERAS, TRANSITIONS = get_args(Camera), get_args(Transition)
SHOTS = st.lists(st.tuples(st.floats(0.1, 12), st.sampled_from(TRANSITIONS)), min_size=1, max_size=12)


def film(parts: list[tuple[float, Transition]], fps: int = 24) -> FilmSpec:
    shots = [
        FilmShot(shot_id=f"s{index}", duration=seconds, still_stage="x", transition=kind)
        for index, (seconds, kind) in enumerate(parts)
    ]
    return FilmSpec(shots=shots, fps=fps)


@given(SHOTS, st.sampled_from([12, 24, 25, 30, 60]))
def test_the_film_is_as_long_as_its_shots(parts: list[tuple[float, Transition]], fps: int) -> None:
    slots = plan_slots(film(parts, fps))
    assert slots[-1].end == round(sum(seconds for seconds, _ in parts) * fps)
    assert all(before.end == after.start for before, after in itertools.pairwise(slots))


@given(SHOTS)
def test_every_frame_shows_pictures_that_are_open(parts: list[tuple[float, Transition]]) -> None:
    slots = plan_slots(film(parts))
    for slot in slots:
        for frame in range(slot.start, slot.end):
            view = view_at(slots, slot.index, frame)
            assert 0.0 <= view.amount <= 1.0
            for index in (view.index, view.other):
                assert index is None or slots[index].first <= frame < slots[index].last
            weight = view.amount if view.other == slot.index else 1 - view.amount
            if view.kind != "fade":
                assert weight >= 0.5  # the shot that the clock is in dominates


def test_transitions_pass_through_the_middle_at_the_border() -> None:
    for kind in ("crossfade", "wipe"):
        slots = plan_slots(film([(3, kind), (3, "cut")]))
        before, after = view_at(slots, 0, 71), view_at(slots, 1, 72)
        assert before.other == after.other == 1
        assert before.amount < 0.5 < after.amount
        assert before.amount + after.amount == pytest.approx(1.0)
    slots = plan_slots(film([(3, "fade"), (3, "cut")]))
    assert view_at(slots, 0, 71).amount > 0.85
    assert (view_at(slots, 0, 71).index, view_at(slots, 1, 72).index) == (0, 1)
    slots = plan_slots(film([(3, "cut"), (3, "fade")]))
    assert view_at(slots, 0, 71).amount == 0
    assert view_at(slots, 1, 143).amount > 0.98  # a film may end in black


def test_shots_shorter_than_a_frame_are_refused() -> None:
    with pytest.raises(RenderError, match="s1"):
        plan_slots(film([(1, "cut"), (0.001, "cut")]))
    with pytest.raises(RenderError, match="at least one shot"):
        plan_slots(film([]))


@given(
    st.sampled_from(CAMERAS),
    st.integers(0, 5),
    st.floats(0.5, 20),
    st.floats(0, 1),
    st.tuples(st.integers(0, 600), st.integers(0, 600)),
)
def test_the_window_never_leaves_the_picture(
    camera: Camera, index: int, duration: float, progress: float, spare: tuple[int, int]
) -> None:
    frame = (640, 384)
    move = plan_move(camera, duration, 7, index)
    density = (move.start.zoom * move.end.zoom) ** 0.5
    canvas = (int(640 * density) + 1 + spare[0], int(384 * density) + 1 + spare[1])
    matrix = window_matrix(pose_at(move, progress, progress * duration), canvas, frame, density)
    corners = matrix @ np.array([[0, 639, 0, 639], [0, 0, 383, 383], [1, 1, 1, 1]])
    assert corners.min() >= -1e-6
    assert corners[0].max() <= canvas[0] - 1 + 1e-6
    assert corners[1].max() <= canvas[1] - 1 + 1e-6


@pytest.mark.parametrize("camera", CAMERAS)
def test_moves_are_smooth_and_go_somewhere(camera: Camera) -> None:
    move = plan_move(camera, 5.0, 0, 0)
    path = []
    for frame in range(120):
        matrix = window_matrix(pose_at(move, frame / 119, frame / 24), (1600, 960), (1280, 768), 1.1)
        path.append(matrix @ np.array([[0, 1279], [0, 767], [1, 1]]))
    steps = np.abs(np.diff(np.array(path), axis=0)).max(axis=(1, 2))
    assert steps.max() < 4.5  # px a frame: nothing jumps
    assert np.abs(np.array(path)[-1] - np.array(path)[0]).max() > (8 if camera == "static" else 30)


def test_static_barely_moves_and_pan_moves_sideways() -> None:
    def travel(camera: Camera) -> np.ndarray:
        move = plan_move(camera, 6.0, 0, 0)
        ends = [window_matrix(pose_at(move, share, 0), (1600, 960), (1280, 768))[:, 2] for share in (0, 1)]
        return np.abs(ends[1] - ends[0])

    assert travel("static").max() < 20
    assert travel("pan")[0] > 100 > 5 * travel("pan")[1]


def test_chroma_follows_luma() -> None:
    matrix = window_matrix(pose_at(plan_move("aerial", 5, 0, 0), 0.3, 1), (1600, 960), (1280, 768), 1.1)
    column, row = 200, 100
    luma = matrix @ np.array([2 * column, 2 * row + 0.5, 1])
    chroma = chroma_matrix(matrix) @ np.array([column, row, 1])
    assert np.allclose(luma, [2 * chroma[0], 2 * chroma[1] + 0.5])


def test_a_wipe_uncovers_from_the_left() -> None:
    old, new = Planes(64, 32).fill_black(), Planes(64, 32).fill_black()
    new.y.fill(200)
    wipe(old, new, 0.5)
    assert (old.y[:, :24] == 200).all()
    assert (old.y[:, -24:] == 16).all()
    assert (np.diff(old.y[0].astype(int)) <= 0).all()


def test_the_bed_steps_back_under_a_voice_without_jumps() -> None:
    voices = [(96_000, 192_000)]
    gain = np.concatenate([duck_gain(start, 48_000, voices) for start in range(0, 336_000, 48_000)])
    assert gain[:80_000].min() == 1.0
    assert gain[96_000:192_000].max() == pytest.approx(DUCKED)
    assert gain[-48_000:].min() == 1.0
    assert np.abs(np.diff(gain)).max() < 1e-4
