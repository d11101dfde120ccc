"""The script engine `rules`: prose and Fountain as elements, speakers and languages."""

from __future__ import annotations

import pytest

from gpu_agents.engines.rules.fountain import parse
from gpu_agents.engines.rules.language import detect
from schemas.errors import RenderError
from tests.unit.engines.rules_helpers import board, spoken


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("INT. TEA HOUSE - NIGHT\n\nRain falls.", ["heading", "action"]),
        ("内景 茶馆 - 夜\n\n林夏坐下。", ["heading", "action"]),
        ("场景一：海边，黄昏\n林夏走来。", ["heading", "action"]),
        (".A DREAM\n\nNothing moves.", ["heading", "action"]),
        ("...and then nothing moved at all.", ["action"]),
        ("EXT. SEA - DAY\n\nMARA (O.S.)\n(softly)\nHello.\n\nShe waits.", ["heading", "speech", "action"]),
        ("She waits.\n\nCUT TO:\n\nThe sea moves.", ["action", "transition", "action"]),
        ("She waits.\n\n> FADE OUT.", ["action", "transition"]),
        ("> A card in the middle <", ["action"]),
        ("# Act one\n\n= What happens\n\nShe waits.", ["action"]),
        ("She [[note]]waits /* cut\nout */here.", ["action"]),
        ("林夏：“你来了。”\n掌柜（低声）：坐吧。", ["speech", "speech"]),
        ("他说：你来了。", ["action"]),
        ("She waits.\n\n***\n\nHe comes.", ["action", "break", "action"]),
        ("The door opens.\n\nTHE END", ["action"]),
    ],
)
def test_lines_become_the_elements_of_the_format(text: str, kinds: list[str]) -> None:
    assert [element.kind for element in parse(text, []).elements] == kinds


def test_title_page_gives_the_title_and_no_element() -> None:
    script = parse("Title: _The Sea_\nAuthor: A. B.\n\nINT. HUT - DAY\n\nA hut.", [])
    assert script.title == "The Sea"
    assert [element.text for element in script.elements] == ["HUT - DAY", "A hut."]


def test_notes_and_boneyard_are_not_shown() -> None:
    shots = board("Mara [[really?]] opens the /* old */ door and waits.").shots
    assert [shot.source_text for shot in shots] == ["Mara opens the door and waits."] or "really" not in shots[
        0
    ].source_text
    assert "old" not in shots[0].prompt
    assert "really" not in shots[0].prompt


def test_forced_cue_takes_chinese_names_and_parentheticals_are_not_spoken() -> None:
    shots = board("内景 茶馆 - 夜\n\n@林夏\n（低声）\n这里有人吗？").shots
    assert spoken(shots) == [("林夏", "这里有人吗？")]
    assert "低声" in shots[0].prompt


def test_a_voice_over_shows_the_listener() -> None:
    shots = board("INT. CABIN - NIGHT\n\nMARA\nWho is there?\n\nRADIO (V.O.)\nWe cannot see the rocks.").shots
    assert spoken(shots)[-1] == ("Radio", "We cannot see the rocks.")
    assert shots[-1].characters == ["Mara"]


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("“我们走吧。”林夏说。", "林夏"),
        ("林夏轻声说道：“我们走吧。”", "林夏"),
        ("老掌柜抬起头，问：“我们走吧。”", "老掌柜"),
        ("林夏坐下。她说：「我们走吧。」", "林夏"),
        ('"Shall we go," said Lin.', "Lin"),
        ('Lin Xia whispered, "Shall we go, all of us?"', "Lin Xia"),
        ('"Shall we go," said the old man.', "the old man"),
        ('Lin said, "Wait here." He turned. "Shall we go now, please?"', "Lin"),
    ],
)
def test_speech_in_prose_has_the_right_speaker(text: str, speaker: str) -> None:
    assert {name for name, _ in spoken(board(text).shots)} == {speaker}


def test_a_quoted_name_is_no_speech() -> None:
    shots = board("街角挂着“悦来”的招牌，雨一直下。").shots
    assert spoken(shots) == []
    assert "悦来" in shots[0].narration


@pytest.mark.parametrize(
    ("text", "language"), [("雨夜，Mara 走来。", "zh"), ("Mara saw the sign 茶 above the door.", "en")]
)
def test_language_is_told_by_its_characters(text: str, language: str) -> None:
    assert detect(text) == language
    result = board(text)
    assert result.language == language
    assert any(("中文" in note) or ("English" in note) for note in result.notes)


def test_a_language_asked_for_wins_and_an_unknown_one_is_refused() -> None:
    assert board("The rain falls on the street.", language="zh-CN").language == "zh"
    with pytest.raises(RenderError, match="language"):
        board("The rain falls.", language="fr")
