"""The three encoders on made models: what they need, what they find, and that their spaces are never mixed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpu_agents.__main__ import usable_engines
from gpu_agents.engines.clip_face.encoder import VARIABLE as CLIP
from gpu_agents.engines.clip_face.encoder import ClipFaceEncoder
from gpu_agents.engines.insightface.encoder import InsightFaceEncoder
from gpu_agents.engines.insightface.pack import LICENCE, VARIABLE, find_pack
from gpu_agents.faces.encoders import load_encoder
from gpu_agents.faces.reference import compare_with, thresholds
from gpu_agents.faces.vectors import cosine
from gpu_agents.worker.render_child import RenderChild
from schemas.errors import ConfigurationError, RenderError
from schemas.specs import FaceRef
from tests.tiny_models.faces import FACE, in_a_picture, made_face
from tests.unit.faces.made import bgr, photo


def test_a_face_is_found_where_it_is(encoder: InsightFaceEncoder) -> None:
    (face,) = encoder.faces(bgr(in_a_picture((made_face(1), (300, 200)))))
    x, y, w, h = face.box
    assert [x + w / 2, y + h / 2] == pytest.approx([300 + FACE / 2, 200 + FACE / 2], abs=12)
    assert face.aligned.shape == (112, 112, 3)
    assert encoder.reference(bgr(Image.new("RGB", (640, 640), "grey"))) is None


def test_of_two_faces_both_are_told(encoder: InsightFaceEncoder) -> None:
    found = encoder.faces(bgr(in_a_picture((made_face(1), (20, 60)), (made_face(2), (370, 330)))))
    assert [face.others for face in found] == [1, 1]


def test_a_vector_has_512_numbers_and_length_one(encoder: InsightFaceEncoder) -> None:
    vector = encoder.embed(encoder.faces(bgr(photo(1, 0)))[0])
    assert vector.shape == (512,)
    assert np.linalg.norm(vector) == pytest.approx(1)


def test_the_licence_is_shown_before_the_pack_is_used(pack: Path) -> None:
    with pytest.raises(ConfigurationError, match=rf"not accepted yet.*{LICENCE}=tiny.*For nothing but tests\."):
        find_pack({VARIABLE: str(pack)})
    with pytest.raises(ConfigurationError, match="was not accepted"):
        find_pack({VARIABLE: str(pack), LICENCE: "another-pack"})
    for answer in ("tiny", "yes"):
        assert find_pack({VARIABLE: str(pack), LICENCE: answer}).name == "tiny"


async def test_a_device_tells_how_to_accept_however_long_the_licence_is(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a device tells of an engine is cut; clients read it in the listing of engines and in refusals."""
    folder = tmp_path / "long"
    folder.mkdir()
    for path in pack.glob("*.onnx"):
        (folder / path.name).symlink_to(path)
    (folder / "LICENSE").write_text("Research only. " * 200, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(folder))
    child = RenderChild([], dict(os.environ))
    try:
        told, _ = await usable_engines(child, ["insightface", "descriptor"])
    finally:
        await child.kill()
    assert "the face pack 'long' was not accepted yet" in told.problem
    assert f"{LICENCE}=long" in told.problem
    assert "Research only." in told.problem


def test_a_pack_without_a_licence_file_has_the_usual_one(pack: Path, tmp_path: Path) -> None:
    (tmp_path / "det.onnx").write_bytes((pack / "det.onnx").read_bytes())
    with pytest.raises(ConfigurationError, match="non-commercial research only"):
        find_pack({VARIABLE: str(tmp_path)})


@pytest.mark.parametrize("given", ["", "/nowhere/at-all"])
def test_nothing_is_downloaded_for_a_missing_pack(given: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{VARIABLE}.*not\s+downloaded"):
        find_pack({VARIABLE: given, LICENCE: "yes"})


@pytest.mark.parametrize("missing", ["det.onnx", "rec.onnx"])
def test_an_incomplete_pack_says_what_it_lacks(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for path in pack.glob("*.onnx"):
        if path.name != missing:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setenv(LICENCE, "yes")
    with pytest.raises(ConfigurationError, match="no model for " + {"d": "detection", "r": "recognition"}[missing[0]]):
        load_encoder("insightface")


def test_a_pickle_in_the_pack_is_refused_unopened(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in pack.glob("*.onnx"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "weights.bin").write_bytes(b"\x80\x04.")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setenv(LICENCE, "yes")
    with pytest.raises(ConfigurationError, match=r"weights\.bin.*run code"):
        load_encoder("insightface")


def test_clip_gives_768_numbers_from_safetensors(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLIP, str(clip))
    encoder = ClipFaceEncoder()
    encoder.load()
    first, again = (encoder.embed(encoder.reference(bgr(made_face(1)))) for _ in range(2))
    assert first.shape == (768,)
    assert np.array_equal(first, again)
    assert cosine(first, encoder.embed(encoder.reference(bgr(made_face(2))))) < 1
    assert encoder.space.startswith("clip-face-tiny-clip-")


def test_clip_of_pickled_weights_or_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLIP, str(tmp_path))
    with pytest.raises(ConfigurationError):
        load_encoder("clip-face")
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ConfigurationError, match=r"pytorch_model\.bin"):
        load_encoder("clip-face")


def test_a_device_is_ready_for_clip_without_importing_torch(clip: Path) -> None:
    program = (
        "import sys\n"
        "from gpu_agents.faces.encoders import load_encoder\n"
        "print(load_encoder('clip-face').dimensions, 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, CLIP: str(clip)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["768", "False"]


def test_weights_that_are_no_clip_model_are_told_with_the_first_face(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in clip.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    monkeypatch.setenv(CLIP, str(tmp_path))
    encoder = load_encoder("clip-face")
    face = encoder.reference(bgr(made_face(1)))
    assert face is not None
    with pytest.raises(ConfigurationError, match="CLIP"):
        encoder.embed(face)


def test_vectors_of_two_encoders_are_never_compared(encoder: InsightFaceEncoder) -> None:
    vector = encoder.embed(encoder.faces(bgr(photo(1, 0)))[0])
    stored = FaceRef(encoder="descriptor", space="descriptor-768-v1", vector=vector.astype("<f2").tobytes())
    with pytest.raises(RenderError, match=r"'insightface-tiny-.*' and 'descriptor-768-v1' cannot be compared"):
        compare_with(encoder, vector, stored)
    own = FaceRef(encoder="insightface", space=encoder.space, vector=vector.astype("<f2").tobytes())
    assert compare_with(encoder, vector, own) == pytest.approx(1, abs=1e-3)
    with pytest.raises(RenderError, match="damaged"):
        compare_with(encoder, vector, FaceRef(encoder="insightface", space=encoder.space, vector=b"x"))


def test_thresholds_can_be_set() -> None:
    assert thresholds({"STORYREEL_FACE_THRESHOLDS": "insightface=0.4, clip-face=0.8"}) == {
        "insightface": 0.4,
        "clip-face": 0.8,
    }
    for bad in ("insightface", "insightface=high", "=0.3", "insightface=1.5", "insightface=nan"):
        with pytest.raises(ConfigurationError, match="STORYREEL_FACE_THRESHOLDS"):
            thresholds({"STORYREEL_FACE_THRESHOLDS": bad})


def test_an_unknown_encoder_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"'arcface' is unknown.*insightface, clip-face, descriptor"):
        load_encoder("arcface")
