"""When a shot is drawn again, which roll is kept, which face is whose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.faces.identity import REROLLS, Roll, Score, again, assigned, kept, rerolls, roll_seed
from schemas.errors import ConfigurationError

COSINES = st.floats(-1, 1)


def roll(number: int, *scores: float | None) -> Roll:
    return Roll(
        number=number,
        seed=roll_seed(5, number),
        scores=[Score(character_id=str(n), score=score, threshold=0.5) for n, score in enumerate(scores)],
    )


@given(st.lists(COSINES, min_size=1, max_size=14), st.integers(0, 10))
def test_rolling_ends_with_the_first_good_one_or_the_last_allowed(values: list[float], most: int) -> None:
    rolls: list[Roll] = []
    for number, value in enumerate(values):
        rolls.append(roll(number, value))
        if not again(rolls, most):
            break
    assert len(rolls) <= most + 1
    assert all(value < 0.5 for value in values[: len(rolls) - 1])
    if len(rolls) < len(values):
        assert values[len(rolls) - 1] >= 0.5 or len(rolls) == most + 1


@given(st.lists(st.lists(COSINES, min_size=2, max_size=2), min_size=1, max_size=6))
def test_the_roll_is_kept_whose_worst_score_is_best(values: list[list[float]]) -> None:
    rolls = [roll(number, *pair) for number, pair in enumerate(values)]
    assert min(values[kept(rolls)]) == pytest.approx(max(min(pair) for pair in values))


def test_what_cannot_be_told_is_no_reason_to_draw_again() -> None:
    assert not again([roll(0, None)], 2)
    assert again([roll(0, None, 0.1)], 2)
    assert kept([roll(0, 0.4), roll(1, None, 0.2), roll(2, 0.4)]) == 0


@given(st.integers(0, 2**32 - 1))
def test_every_roll_has_a_seed_of_its_own_and_the_first_the_shots(seed: int) -> None:
    seeds = [roll_seed(seed, number) for number in range(11)]
    assert seeds[0] == seed
    assert len(set(seeds)) == 11
    assert all(0 <= value < 2**32 for value in seeds)


@given(st.integers(1, 4), st.integers(0, 4), st.data())
def test_no_face_is_given_twice_and_none_is_left_over_while_somebody_waits(
    wanted: int, faces: int, data: st.DataObject
) -> None:
    table = [data.draw(st.lists(COSINES, min_size=faces, max_size=faces)) for _ in range(wanted)]
    found = assigned(table, faces)
    given_out = [face for face in found if face is not None]
    assert len(found) == wanted
    assert len(set(given_out)) == len(given_out) == min(wanted, faces)


def test_each_character_gets_the_face_that_suits_all_best() -> None:
    assert assigned([[0.9, 0.8], [0.85, 0.1]], 2) == [1, 0]
    assert assigned([[0.1], [0.9]], 1) == [None, 0]
    many = [[1.0 if row == 7 - face else 0.0 for face in range(8)] for row in range(8)]
    assert assigned(many, 8) == [7, 6, 5, 4, 3, 2, 1, 0]


def test_the_number_of_rerolls_is_bounded() -> None:
    assert rerolls({}) == 2
    assert rerolls({REROLLS: "0"}) == 0
    for bad in ("-1", "11", "two", "", "²"):
        with pytest.raises(ConfigurationError, match=REROLLS):
            rerolls({REROLLS: bad})
