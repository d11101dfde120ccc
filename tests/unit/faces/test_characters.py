"""A character made of photos by the insightface engine: who is told apart, what is refused, what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from gpu_agents.engines.base import RenderOutput
from gpu_agents.engines.descriptor import DescriptorEngine
from gpu_agents.engines.insightface import InsightFaceEngine
from gpu_agents.engines.insightface.encoder import InsightFaceEncoder
from gpu_agents.faces.vectors import cosine
from schemas.errors import RenderError
from schemas.specs import EmbeddingSpec, FaceRef, VerifySpec
from tests.unit.engines.helpers import context
from tests.unit.faces.made import SAME, bgr, photo

BLANK = Image.new("RGB", (640, 640), (90, 90, 90))


@pytest.fixture
def engine(encoder: InsightFaceEncoder, monkeypatch: pytest.MonkeyPatch) -> InsightFaceEngine:
    monkeypatch.setenv("STORYREEL_FACE_THRESHOLDS", f"insightface={SAME}")
    made = InsightFaceEngine()
    made.encoder = encoder
    return made


def character(engine: Any, folder: Path, pictures: list[Image.Image]) -> RenderOutput:
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {}
    for number, picture in enumerate(pictures):
        inputs[f"photo-{number}"] = folder / f"{number}.png"
        picture.save(inputs[f"photo-{number}"])
    spec = EmbeddingSpec(name="Lin", photo_keys=list(inputs))
    output = engine.render(spec, context(folder / "out", inputs))
    assert isinstance(output, RenderOutput)
    return output


def reference(output: RenderOutput) -> FaceRef:
    vector = np.array(output.data["embedding"]).astype("<f2").tobytes()
    return FaceRef(encoder=output.data["engine"], space=output.data["encoder"], vector=vector)


def verify(engine: Any, folder: Path, picture: Image.Image, face: FaceRef) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    picture.save(folder / "asked.png")
    spec = VerifySpec(photo_key="asked", face=face)
    return dict(engine.render(spec, context(folder / "out", {"asked": folder / "asked.png"})).summary)


def test_held_out_pictures_are_nearer_to_their_own_character_than_to_any_other(
    engine: InsightFaceEngine, tmp_path: Path
) -> None:
    """Five held-out pictures each of two characters of three photos."""
    made = {p: character(engine, tmp_path / str(p), [photo(p, n) for n in range(3)]) for p in (1, 2)}
    scores = {
        (person, other): [
            verify(engine, tmp_path / f"{person}-{n}", photo(person, n), reference(made[other]))["score"]
            for n in range(3, 8)
        ]
        for person in made
        for other in made
    }
    own = [score for (person, other), row in scores.items() if person == other for score in row]
    foreign = [score for (person, other), row in scores.items() if person != other for score in row]
    assert len(own) == len(foreign) == 10
    assert min(own) > max(foreign)
    assert min(own) >= SAME > max(foreign)


def test_a_verification_says_score_threshold_and_answer(engine: InsightFaceEngine, tmp_path: Path) -> None:
    face = reference(character(engine, tmp_path / "c", [photo(1, n) for n in range(3)]))
    same = verify(engine, tmp_path / "same", photo(1, 4), face)
    other = verify(engine, tmp_path / "other", photo(3, 4), face)
    assert (same["same_person"], other["same_person"]) == (True, False)
    assert same["threshold"] == SAME
    assert "no proof of identity" in same["note"]
    assert other["score"] < SAME <= same["score"]
    with pytest.raises(RenderError, match="no face"):
        verify(engine, tmp_path / "blank", BLANK, face)
    with pytest.raises(RenderError, match=r"'descriptor-768-v1' and 'insightface-tiny"):
        verify(DescriptorEngine(), tmp_path / "mixed", photo(1, 4), face)


def test_an_encoder_that_was_not_taught_people_leaves_open_who_it_is(tmp_path: Path) -> None:
    engine = DescriptorEngine()
    engine.setup()
    face = reference(character(engine, tmp_path / "c", [photo(1, 0)]))
    told = verify(engine, tmp_path / "copy", photo(1, 0), face)
    assert (told["reached"], told["same_person"]) == (True, None)
    assert "not trained to tell people apart" in told["note"]
    assert "no face was looked for" in told["note"]


def test_a_stranger_among_three_photos_is_named_and_left_out(engine: InsightFaceEngine, tmp_path: Path) -> None:
    own = [photo(1, n) for n in range(3)]
    output = character(engine, tmp_path / "with", [own[0], photo(2, 1), *own[1:]])
    assert output.summary["outlier_photos"] == [2]
    assert "photos 2 differ" in output.summary["notes"][0]
    assert output.summary["least_similarity"] < SAME
    alone = character(engine, tmp_path / "alone", own)
    assert output.data["embedding"] == pytest.approx(alone.data["embedding"])
    assert alone.summary["least_similarity"] > SAME
    assert alone.summary["consistency"] >= alone.summary["least_similarity"]


def test_photos_of_which_none_can_be_trusted_are_refused(engine: InsightFaceEngine, tmp_path: Path) -> None:
    with pytest.raises(
        RenderError, match=r"photos: 1 and 2 do not show the same person \(similarity 0\.\d\d, at least"
    ):
        character(engine, tmp_path / "two", [photo(1, 0), photo(2, 0)])
    with pytest.raises(RenderError, match="do not show the same person"):
        character(engine, tmp_path / "three", [photo(1, 0), photo(2, 0), photo(4, 0)])


def test_photos_without_a_face_are_named_or_refused(engine: InsightFaceEngine, tmp_path: Path) -> None:
    output = character(engine, tmp_path / "one", [photo(1, 0), BLANK, photo(1, 1)])
    assert output.summary["faceless_photos"] == [2]
    assert [face["photo"] for face in output.data["faces"]] == [1, 3]
    with pytest.raises(RenderError, match="no face was found in any"):
        character(engine, tmp_path / "none", [BLANK])


def test_better_photos_weigh_more(engine: InsightFaceEngine, tmp_path: Path) -> None:
    sharp, blurred = photo(1, 0), photo(1, 1).filter(ImageFilter.GaussianBlur(4))
    output = character(engine, tmp_path / "c", [sharp, blurred])
    good, bad = output.data["faces"]
    assert good["quality"]["overall"] > bad["quality"]["overall"]
    mean = np.array(output.data["embedding"])
    near, far = (engine.encoder.embed(engine.encoder.faces(bgr(p))[0]) for p in (sharp, blurred))
    assert cosine(mean, near) > cosine(mean, far)
    assert output.data["best"] == 0
