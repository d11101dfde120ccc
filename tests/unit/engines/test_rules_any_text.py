"""The script engine `rules`: any text, none, and as much as is allowed."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from schemas.errors import RenderError
from schemas.specs import StoryboardDraft
from tests.unit.engines.rules_helpers import EN_SAMPLE, ZH_SAMPLE, board

_LINES = st.sampled_from(
    [
        "",
        "INT. HALL - NIGHT",
        "内景 茶馆 - 夜",
        "MARA",
        "(softly)",
        "@林夏",
        "林夏：“走吧。”",
        "CUT TO:",
        "> FADE OUT.",
        "[[x",
        "]]",
        "/*",
        "*/",
        "# one",
        "“我来了，”她说。",
        '"Stop," said Lin.',
        "雨一直下，林夏走过石桥。",
        "Mara runs.",
        "= x",
        "***",
        "第一章 海",
        "场景二：",
        "。。。",
        "..x",
        "。",
    ]
)
_TEXTS = st.one_of(
    st.text(max_size=400),
    st.lists(_LINES, max_size=40).map("\n".join),
    st.lists(_LINES | st.text(max_size=30), max_size=20).map("\n".join),
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=_TEXTS, target=st.sampled_from([0.0, 5.0, 30.0, 90.0]), limit=st.sampled_from([1.0, 2.5, 20.0, 60.0, 600.0])
)
def test_any_text_gives_a_sound_storyboard_or_says_it_is_empty(text: str, target: float, limit: float) -> None:
    try:
        result = board(text, target_duration=target, max_duration=limit)
    except RenderError as error:
        failure = (error.code, error.retryable)
        event(failure[0])
        if failure != ("script_empty", False):
            raise
        return
    shots = result.shots
    assert shots
    assert len(shots) <= 200
    assert all(shot.duration > 0 for shot in shots)
    assert sum(shot.duration for shot in shots) <= limit
    assert result.duration == sum(shot.duration for shot in shots)
    assert len({shot.id for shot in shots}) == len(shots)
    assert all(len(shot.prompt.strip()) >= 1 and len(shot.prompt) <= 500 for shot in shots)
    assert [shot.scene for shot in shots] == sorted(shot.scene for shot in shots)
    assert all(not (shot.dialogue and shot.narration) for shot in shots)
    cameras = [shot.camera for shot in shots]
    assert all(len(set(cameras[at : at + 3])) > 1 for at in range(len(cameras) - 2))
    assert msgspec.json.decode(msgspec.json.encode(result), type=StoryboardDraft) == result
    assert board(text, target_duration=target, max_duration=limit) == result


@pytest.mark.parametrize("text", ["", " \n\t", "。！？…", "[[only a note here]]", "/* all of it is cut */", "雨"])
def test_nothing_to_show_is_an_error_that_no_retry_cures(text: str) -> None:
    with pytest.raises(RenderError) as caught:
        board(text)
    assert (caught.value.code, caught.value.retryable) == ("script_empty", False)


@pytest.mark.parametrize(
    "text",
    [
        ZH_SAMPLE * 500,
        EN_SAMPLE * 100,
        "a" + "." * 99_990 + "b c",
        "“" * 50_000 + "雨夜",
        "雨。" * 50_000,
        '"Hi," said Lin. ' * 6_250,
        "a\n\n" * 33_000,
    ],
    ids=["zh", "en", "dots", "open-quotes", "short", "speech", "paragraphs"],
)
def test_100_000_characters_take_less_than_3_seconds(text: str) -> None:
    start = time.process_time()
    result = board(text[:100_000], max_duration=3600.0)
    assert time.process_time() - start < 3.0
    assert len(result.shots) <= 200


def test_longer_texts_are_refused() -> None:
    with pytest.raises(RenderError, match="100000") as caught:
        board("雨" * 100_001)
    assert caught.value.code == "script_too_long"
