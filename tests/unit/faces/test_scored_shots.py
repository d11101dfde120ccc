"""Shots of characters through a real render child with made models: scored, drawn again, told."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpu_agents.child.jobs import run_job
from gpu_agents.child.protocol import Done, Estimated, Progressed, Render, Reply
from gpu_agents.engines.insightface.encoder import InsightFaceEncoder
from gpu_agents.faces.identity import REROLLS, roll_seed
from gpu_agents.worker.render_child import RenderChild
from schemas.specs import CharacterRef, FaceRef, ShotSpec
from tests.plugins.casting import HERO, STRANGER, CastingEngine
from tests.unit.faces.made import SAME, accepting, bgr, photo

TARGET = "casting=tests.plugins.casting:CastingEngine"


@pytest.fixture
async def child(pack: Path) -> AsyncIterator[RenderChild]:
    with pytest.MonkeyPatch.context() as patch:
        accepting(patch, pack)
        patch.setenv("STORYREEL_FACE_THRESHOLDS", f"insightface={SAME}")
        child = RenderChild([TARGET], dict(os.environ))
    yield child
    await child.kill()


def face(encoder: InsightFaceEncoder, person: int) -> FaceRef:
    vectors = [encoder.embed(encoder.faces(bgr(photo(person, n)))[0]) for n in range(3)]
    return FaceRef(encoder="insightface", space=encoder.space, vector=np.mean(vectors, axis=0).astype("<f2").tobytes())


def cast(encoder: InsightFaceEncoder, **people: int) -> list[CharacterRef]:
    return [CharacterRef(character_id=name, name=name, face=face(encoder, person)) for name, person in people.items()]


async def rendered(child: RenderChild, folder: Path, spec: ShotSpec) -> tuple[Done, dict[str, Any], list[Progressed]]:
    seen: list[Progressed] = []
    folder.mkdir()
    job = Render(job_id=folder.name, engine="casting", spec=spec, workdir=str(folder))
    done = await child.render(job, seen.append)
    assert isinstance(done, Done), done
    return done, json.loads(done.result), seen


async def test_a_shot_is_drawn_again_until_it_shows_its_character(
    child: RenderChild, encoder: InsightFaceEncoder, tmp_path: Path
) -> None:
    spec = ShotSpec(prompt="hero on roll 2", seed=7, characters=cast(encoder, hero=HERO))
    done, told, seen = await rendered(child, tmp_path / "first", spec)
    identity = told["summary"]["identity"]
    assert (identity["roll"], identity["seed"]) == (2, roll_seed(7, 2))
    assert (identity["reached"], identity["same_person"]) == (True, True)
    assert [row["seed"] for row in identity["rolls"]] == [roll_seed(7, number) for number in range(3)]
    (score,) = identity["characters"]
    assert score["score"] >= score["threshold"] == SAME
    assert all(row["scores"]["hero"] < SAME for row in identity["rolls"][:2])
    assert told["recipe"]["seed"] == roll_seed(7, 2)
    assert [step.fraction for step in seen] == sorted(step.fraction for step in seen)
    with Image.open(done.files[0].path) as picture:
        assert picture.size == (640, 640)
    again, repeated, _ = await rendered(child, tmp_path / "again", spec)
    assert again.files[0].sha256 == done.files[0].sha256
    assert repeated == told


async def test_a_good_first_roll_is_not_drawn_again(
    child: RenderChild, encoder: InsightFaceEncoder, tmp_path: Path
) -> None:
    spec = ShotSpec(prompt="hero on roll 0", seed=7, characters=cast(encoder, hero=HERO))
    _, told, _ = await rendered(child, tmp_path / "job", spec)
    assert len(told["summary"]["identity"]["rolls"]) == 1
    assert told["recipe"]["seed"] == 7


async def test_rolls_are_bounded_and_the_best_is_delivered(
    child: RenderChild, encoder: InsightFaceEncoder, tmp_path: Path
) -> None:
    spec = ShotSpec(prompt="hero on roll 9", seed=7, characters=cast(encoder, hero=HERO))
    _, told, _ = await rendered(child, tmp_path / "job", spec)
    identity = told["summary"]["identity"]
    assert len(identity["rolls"]) == 3
    assert (identity["reached"], identity["same_person"]) == (False, False)
    assert identity["roll"] == 0


async def test_two_characters_of_one_picture_are_told_apart(
    child: RenderChild, encoder: InsightFaceEncoder, tmp_path: Path
) -> None:
    spec = ShotSpec(prompt="hero on roll 1", style="pair", seed=7, characters=cast(encoder, hero=HERO, other=STRANGER))
    _, told, _ = await rendered(child, tmp_path / "job", spec)
    identity = told["summary"]["identity"]
    assert identity["roll"] == 1
    assert {row["character_id"]: row["score"] >= SAME for row in identity["characters"]} == {
        "hero": True,
        "other": True,
    }
    assert identity["rolls"][0]["scores"]["other"] >= SAME > identity["rolls"][0]["scores"]["hero"]


async def test_what_cannot_be_scored_says_why_and_is_kept(
    child: RenderChild, encoder: InsightFaceEncoder, tmp_path: Path
) -> None:
    own = face(encoder, HERO)
    foreign = FaceRef(encoder="insightface", space="insightface-other-pack", vector=own.vector)
    lacking = FaceRef(encoder="clip-face", space="clip-face-x", vector=own.vector)
    reasons = {}
    for name, ref, prompt in (("space", foreign, "x"), ("encoder", lacking, "x"), ("nobody", own, "nobody")):
        spec = ShotSpec(prompt=prompt, seed=7, characters=[CharacterRef(character_id="hero", name="hero", face=ref)])
        _, told, _ = await rendered(child, tmp_path / name, spec)
        assert len(told["summary"]["identity"]["rolls"]) == 1
        assert told["summary"]["identity"]["reached"] is None
        assert told["summary"]["identity"]["same_person"] is None
        (score,) = told["summary"]["identity"]["characters"]
        assert score["score"] is None
        reasons[name] = score["reason"]
    assert "insightface-other-pack" in reasons["space"]
    assert encoder.space in reasons["space"]
    assert "clip-face is not ready" in reasons["encoder"]
    assert "no face was found" in reasons["nobody"]


async def test_a_shot_without_a_known_face_is_rendered_as_ever(child: RenderChild, tmp_path: Path) -> None:
    spec = ShotSpec(prompt="x", seed=7, characters=[CharacterRef(character_id="hero", name="hero")])
    _, told, _ = await rendered(child, tmp_path / "job", spec)
    assert "identity" not in told["summary"]


def test_every_roll_has_the_time_of_a_render(
    pack: Path, encoder: InsightFaceEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepting(monkeypatch, pack)
    monkeypatch.setenv("STORYREEL_FACE_THRESHOLDS", f"insightface={SAME}")
    monkeypatch.setenv(REROLLS, "1")
    told: list[Reply] = []
    spec = ShotSpec(prompt="hero on roll 9", seed=7, characters=cast(encoder, hero=HERO))
    job = Render(job_id="j", engine="casting", spec=spec, workdir=str(tmp_path))
    done = run_job(job, lambda _: CastingEngine(), told.append, lambda: False)
    assert isinstance(done, Done)
    assert sum(isinstance(reply, Estimated) for reply in told) == 2
