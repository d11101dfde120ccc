"""The script engine `rules`: its samples and its port."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gpu_agents.engines.base import Engine, RenderContext
from gpu_agents.engines.rules import RulesEngine
from gpu_agents.engines.rules.storyboard import draft
from schemas.specs import CharacterRef, ScriptSpec, StoryboardDraft
from tests.unit.engines.rules_helpers import EN_SAMPLE, ZH_SAMPLE, board, spoken


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
