from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.media.subtitles import CLOSING, MAX_LINES, make_cues, speaker_prefix, to_srt, wrap

TEXTS = st.text(alphabet="雨夜上海，。！？“”（）abc def.,", min_size=1, max_size=120)


def cells(text: str) -> float:
    return float(sum(1 if character.isascii() else 2 for character in text))


@given(TEXTS, st.integers(8, 60))
def test_lines_fit_and_lose_nothing(text: str, limit: int) -> None:
    lines = wrap(text, cells, limit)
    assert "".join("".join(lines).split()) == "".join(text.split())
    cluster = 2 * sum(character in CLOSING + "“（" for character in text)  # marks cling to their neighbour
    assert all(cells(line) <= limit + cluster for line in lines)


def test_chinese_breaks_anywhere_but_not_before_a_mark() -> None:
    lines = wrap("小梅撑着红伞走过老街，她在等人。", cells, 20)
    assert len(lines) == 2
    assert all(line[0] not in CLOSING for line in lines)


def test_english_breaks_at_spaces_and_evenly() -> None:
    lines = wrap("The keeper watches the sea from the old tower", cells, 40)
    assert len(lines) == 2
    assert abs(len(lines[0]) - len(lines[1])) < 12


def test_a_word_wider_than_the_line_is_cut() -> None:
    assert all(cells(line) <= 10 for line in wrap("Donaudampfschifffahrt", cells, 10))


@given(TEXTS.filter(str.strip), st.floats(0, 100), st.floats(1, 30))
def test_cues_cover_the_shot_without_gaps(text: str, start: float, length: float) -> None:
    cues = make_cues(text, "梅：", start, start + length, cells, 24)
    assert cues[0].start == start
    assert abs(cues[-1].end - (start + length)) < 1e-6
    assert all(abs(before.end - after.start) < 1e-6 for before, after in itertools.pairwise(cues))
    assert all(len(cue.lines) <= MAX_LINES for cue in cues)


def test_empty_text_has_no_cue() -> None:
    assert make_cues(" \n", "", 0, 3, cells, 20) == []


def test_speaker_prefix_follows_the_language() -> None:
    assert speaker_prefix("小梅", "zh") == "小梅："
    assert speaker_prefix(" Mei ", "en") == "Mei: "
    assert not speaker_prefix("", "en")


def test_srt_times_and_arrows() -> None:
    cues = make_cues("a --> b", "", 3661.5, 3663.25, cells, 40)
    assert to_srt(cues) == "1\n01:01:01,500 --> 01:01:03,250\na → b\n"
