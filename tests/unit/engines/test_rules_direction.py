"""The script engine `rules`: scenes, people, cameras, light, moods and transitions."""

from __future__ import annotations

import pytest

from schemas.specs import CharacterRef
from tests.unit.engines.rules_helpers import board


def test_a_change_of_place_or_time_in_prose_opens_a_scene() -> None:
    shots = board("深夜，林夏走在街上。\n\n她推开茶馆的门。\n\n第二天，大海一片平静。").shots
    assert [shot.scene for shot in shots] == [1, 2, 3]
    assert [shot.id for shot in shots] == ["s01-01", "s02-01", "s03-01"]


def test_the_place_of_the_scene_is_in_every_prompt() -> None:
    shots = board(
        "EXT. HARBOUR - DUSK\n\nFog rolls in from afar.\n\nMARA\nWe leave now.\n\nShe unties the rope and looks back once more."
    ).shots
    assert len(shots) == 3
    assert all("harbour" in shot.prompt.lower() and "dusk" in shot.prompt.lower() for shot in shots)


def test_pronouns_mean_the_last_person_named() -> None:
    people = [CharacterRef(character_id="c-7", name="林夏")]
    shots = board(
        "林夏走进茶馆，把灯放在桌上，雨水顺着衣角滴落。\n\n她坐在窗边，看着窗外的雨，想起很久以前的事。",
        characters=people,
    ).shots
    assert [shot.character_id for shot in shots] == ["c-7"] * len(shots)
    assert len(shots) >= 2


def test_part_of_a_full_name_finds_the_character() -> None:
    people = [CharacterRef(character_id="c-1", name="Lin Xia")]
    shot = board("Xia opens the gate and steps outside.", characters=people).shots[0]
    assert (shot.characters, shot.character_id) == (["Lin Xia"], "c-1")


@pytest.mark.parametrize(
    ("text", "camera"),
    [
        ("特写：一把钥匙。", "close_up"),
        ("俯瞰整座城市的灯光。", "aerial"),
        ("仰拍钟楼的尖顶。", "low_angle"),
        ("远景，一条安静的路。", "wide"),
        ("The camera pans over the table.", "pan"),
        ("Mara walks along the corridor.", "dolly"),
        ("Mara runs for her life.", "handheld"),
        ("Rain over the old harbour.", "wide"),
    ],
)
def test_words_choose_the_camera(text: str, camera: str) -> None:
    assert board(text).shots[0].camera == camera


@pytest.mark.parametrize(
    ("text", "lighting"),
    [
        ("深夜的街道空无一人。", "night"),
        ("黎明，海面泛起微光。", "golden_hour"),
        ("屋里只有烛光在跳动。", "candlelight"),
        ("霓虹照着雨后的街道。", "neon"),
        ("乌云压着整片田野。", "overcast"),
        ("A silhouette in the doorway.", "backlit"),
        ("Noon. The square is empty.", "natural"),
        ("INT. HUT - NIGHT\n\nA lantern burns on the table.", "candlelight"),
        ("EXT. STREET - NIGHT\n\nA lantern swings far away.", "night"),
    ],
)
def test_words_choose_the_light(text: str, lighting: str) -> None:
    assert board(text).shots[0].lighting == lighting


def test_the_light_lasts_within_a_scene_and_ends_with_it() -> None:
    shots = board(
        "INT. HUT - NIGHT\n\nA candle burns on the table in the middle of the hut.\n\nMARA\nGo away.\n\nEXT. FIELD - DAY\n\nGrass moves."
    ).shots
    assert [shot.lighting for shot in shots] == ["candlelight", "candlelight", "natural"]


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("她笑着跑过田野。", "happy"),
        ("她含泪告别。", "sad"),
        ("A strange shadow moves.", "mysterious"),
        ("She weeps alone.", "sad"),
        ("A table and a chair.", "neutral"),
    ],
)
def test_words_choose_the_mood(text: str, mood: str) -> None:
    assert board(text).shots[0].mood == mood


def test_transitions_fade_between_scenes_and_cut_on_order() -> None:
    shots = board(
        "INT. A HALL - DAY\n\nA door, heavy and green.\n\nA key in it.\n\nCUT TO:\n\nEXT. FIELD - DAY\n\nGrass.\n\nEXT. SEA - DAY\n\nWater."
    ).shots
    assert [shot.transition for shot in shots] == ["crossfade", "cut", "fade", "fade"]
