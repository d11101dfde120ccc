"""The script engine `rules`: how long words take and how targets are met."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.engines.rules.language import pieces, speech_seconds
from tests.unit.engines.rules_helpers import EN_SAMPLE, ZH_SAMPLE, board


def test_reading_time_is_4_characters_or_2_6_words_a_second() -> None:
    assert speech_seconds("一二三四五六七八") == pytest.approx(2.0)
    assert speech_seconds("one two three four five six seven eight nine ten eleven twelve thirteen") == pytest.approx(
        5.0
    )
    assert board("林夏提着一盏小小的纸灯笼慢慢走过雨中的石桥。").shots[0].duration == pytest.approx(
        21 / 4 + 0.8, abs=0.05
    )


@pytest.mark.parametrize("target", [20.0, 33.3, 45.0, 59.0])
@pytest.mark.parametrize("text", [ZH_SAMPLE, EN_SAMPLE], ids=["zh", "en"])
def test_a_target_is_met_within_half_a_second(text: str, target: float) -> None:
    result = board(text, target_duration=target)
    assert abs(result.duration - target) <= 0.5
    assert all(1.5 <= shot.duration <= 12 for shot in result.shots)


def test_dropped_shots_and_a_target_out_of_reach_are_noted() -> None:
    short = board(EN_SAMPLE, target_duration=15.0)
    assert abs(short.duration - 15.0) <= 0.5
    assert any("Left out" in note for note in short.notes)
    assert any("not the 50 s" in note for note in board("The rain falls on the street.", target_duration=50.0).notes)


def test_frames_are_whole_at_24_a_second() -> None:
    for shot in board(EN_SAMPLE, target_duration=41.7).shots:
        assert shot.duration * 24 == pytest.approx(round(shot.duration * 24), abs=1e-9)


@given(text=st.text(st.sampled_from("雨夜 林夏走,。ab c.\n"), max_size=200), seconds=st.floats(1.0, 9.0))
def test_pieces_keep_every_word_and_the_limit(text: str, seconds: float) -> None:
    cut = pieces(text, seconds)
    assert re.sub(r"[\s,.。]", "", "".join(cut)) == re.sub(r"[\s,.。]", "", text)
    assert all(speech_seconds(piece) <= max(seconds, 8 / 4) + 1e-9 for piece in cut)
