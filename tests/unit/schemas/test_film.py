"""Whom the shots of a film show."""

from __future__ import annotations

import msgspec

from schemas.common import StageKind
from schemas.film import FilmOptions, plan_film
from schemas.film_pictures import IN_A_FRAME
from schemas.specs import CharacterRef, ShotSpec, Spec, StoryboardShot

PEOPLE = {f"c{n}": CharacterRef(character_id=f"c{n}", name=name) for n, name in enumerate(["Lin", "Mara", "Li", "Ann"])}


def shown(**changes: object) -> list[str]:
    shot = StoryboardShot(id="s1", prompt="x", duration=1.0)
    sealed: list[Spec] = []

    def seal(spec: Spec) -> bytes:
        sealed.append(spec)
        return b""

    plan = plan_film([msgspec.structs.replace(shot, **changes)], FilmOptions(characters=PEOPLE, audio=False), seal)
    (still,) = (stage for stage in plan.stages if stage.kind is StageKind.SHOT)
    (spec,) = (spec for spec in sealed if isinstance(spec, ShotSpec))
    assert [character.character_id for character in spec.characters] == still.character_ids
    return still.character_ids


def test_a_shot_shows_everybody_it_names_and_its_own_character_first() -> None:
    assert shown(characters=["Lin", "Mara"], character_id="c1") == ["c1", "c0"]
    assert shown(characters=["Mara", "the keeper"]) == ["c1"]
    assert shown(character_id="c2") == ["c2"]
    assert shown(characters=["a stranger"], character_id="c9") == []


def test_a_frame_has_room_for_a_few() -> None:
    assert shown(characters=["Ann", "Li", "Mara", "Lin"], character_id="c0") == ["c0", "c3", "c2"]
    assert IN_A_FRAME == 3
