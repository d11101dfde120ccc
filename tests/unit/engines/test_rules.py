"""The script engine `rules`: from prose and Fountain to storyboards."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from gpu_agents.engines.base import Engine, RenderContext
from gpu_agents.engines.rules import RulesEngine
from gpu_agents.engines.rules.fountain import parse
from gpu_agents.engines.rules.language import detect, pieces, speech_seconds
from gpu_agents.engines.rules.storyboard import draft
from schemas.errors import RenderError
from schemas.specs import CharacterRef, ScriptSpec, StoryboardDraft, StoryboardShot

SAMPLES = Path(__file__).parents[3] / "infra" / "samples"
ZH_SAMPLE = (SAMPLES / "rain_lantern.zh.txt").read_text(encoding="utf-8")
EN_SAMPLE = (SAMPLES / "the_last_light.en.fountain").read_text(encoding="utf-8")


def board(text: str, **fields: object) -> StoryboardDraft:
    return draft(msgspec.structs.replace(ScriptSpec(text=text), **fields))


def spoken(shots: Sequence[StoryboardShot]) -> list[tuple[str, str]]:
    return [(shot.speaker, shot.dialogue) for shot in shots if shot.dialogue]


# Parsing


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


# Splitting


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


# Direction


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


# Time


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


# Any text

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
    start = time.perf_counter()
    result = board(text[:100_000], max_duration=3600.0)
    assert time.perf_counter() - start < 3.0
    assert len(result.shots) <= 200


def test_longer_texts_are_refused() -> None:
    with pytest.raises(RenderError, match="100000") as caught:
        board("雨" * 100_001)
    assert caught.value.code == "script_too_long"


# The samples


@pytest.mark.parametrize("text", [ZH_SAMPLE, EN_SAMPLE], ids=["zh", "en"])
def test_samples_are_films_of_just_under_a_minute(text: str) -> None:
    shots = board(text).shots
    assert 10 <= len(shots) <= 13
    assert 50 <= sum(shot.duration for shot in shots) <= 60
    assert len({shot.camera for shot in shots}) >= 4
    assert len({shot.lighting for shot in shots}) >= 3


def test_the_chinese_sample_has_its_speakers() -> None:
    assert spoken(board(ZH_SAMPLE).shots) == [
        ("老掌柜", "这么大的雨，你要去哪里？"),
        ("林夏", "去山上的古寺，为母亲点一盏灯。"),
        ("老和尚", "灯还亮着，人就还在。"),
        ("林夏", "母亲，路照亮了，你慢慢走。"),
    ]


def test_the_english_sample_has_its_speakers_and_silent_action() -> None:
    result = board(EN_SAMPLE, characters=[CharacterRef(character_id="m", name="Mara")])
    assert result.title == "The Last Light"
    assert [name for name, _ in spoken(result.shots)] == ["Mara", "Radio", "Mara", "Mara"]
    assert all(not shot.narration for shot in result.shots)
    assert [shot.character_id for shot in result.shots if shot.speaker == "Mara"] == ["m"] * 3


# The engine


def test_the_engine_writes_what_it_returns(tmp_path: Path) -> None:
    engine = RulesEngine()
    assert isinstance(engine, Engine)
    engine.setup()
    spec = ScriptSpec(text=ZH_SAMPLE)
    assert engine.estimate(spec).seconds > 0
    steps: list[float] = []
    output = engine.render(spec, RenderContext(tmp_path, {}, on_progress=lambda fraction, *_: steps.append(fraction)))
    (file,) = output.files
    assert (file.role, file.content_type, file.path.name) == ("main", "application/json", "storyboard.json")
    written = msgspec.json.decode(file.path.read_bytes(), type=StoryboardDraft)
    assert written == draft(spec)
    assert msgspec.convert(output.data["storyboard"], StoryboardDraft) == written
    assert steps[-1] == 1.0


@pytest.mark.parametrize("name", ["lin_xia", "mara"])
def test_reference_pictures_are_the_same_each_time_and_differ_among_themselves(name: str, tmp_path: Path) -> None:
    from PIL import Image

    from infra.samples.portraits import draw

    first, second = draw(name, tmp_path / "a"), draw(name, tmp_path / "b")
    assert [path.name for path in first] == [f"{name}_{number}.png" for number in range(1, 5)]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert len({path.read_bytes() for path in first}) == 4
    for path in first:
        with Image.open(path) as picture:
            assert picture.size == (768, 1024)
