"""The descriptor engine on drawn faces, and on a made detector network of YuNet's shape."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageEnhance, ImageFilter

from gpu_agents.engines.base import RenderOutput
from gpu_agents.engines.descriptor import DescriptorEngine
from gpu_agents.engines.descriptor.detect import LEFT_EYE, RIGHT_EYE, SIZE, VARIABLE, align, centre_crop, load_detector
from gpu_agents.engines.descriptor.embedding import embed
from gpu_agents.faces.vectors import cosine
from schemas.errors import ConfigurationError, RenderCancelledError, RenderError
from schemas.specs import EmbeddingSpec
from tests.unit.engines.helpers import context, drawn_face, shot

PEOPLE = range(6)


def saved(folder: Path, pictures: list[Image.Image]) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {}
    for number, picture in enumerate(pictures):
        inputs[f"photo-{number}"] = folder / f"photo-{number}.png"
        picture.save(inputs[f"photo-{number}"])
    return inputs


def run(
    folder: Path, pictures: list[Image.Image], engine: DescriptorEngine | None = None, **callbacks: Any
) -> RenderOutput:
    inputs = saved(folder / "in", pictures)
    spec = EmbeddingSpec(name="Lin", photo_keys=list(inputs))
    return (engine or DescriptorEngine()).render(spec, context(folder / "out", inputs, **callbacks))


def vector(picture: Image.Image) -> np.ndarray:
    return embed(centre_crop(np.asarray(picture.convert("RGB"))[..., ::-1].copy()).aligned)


def test_embedding_has_768_numbers_of_mean_zero_and_length_one(tmp_path: Path) -> None:
    data = run(tmp_path, [drawn_face(1)]).data
    assert data["encoder"] == "descriptor-768-v1"
    values = np.array(data["embedding"])
    assert values.shape == (768,)
    assert abs(values.mean()) < 1e-9
    assert np.linalg.norm(values) == pytest.approx(1)
    assert data["consistency"] == 1.0


def test_copies_stay_near_and_other_people_are_farther() -> None:
    originals = {person: vector(drawn_face(person)) for person in PEOPLE}
    for person, original in originals.items():
        face = drawn_face(person)
        copies = [
            drawn_face(person, size=260),
            ImageEnhance.Brightness(face).enhance(0.75),
            ImageEnhance.Brightness(face).enhance(1.2),
            ImageEnhance.Contrast(face).enhance(0.8),
            face.filter(ImageFilter.GaussianBlur(1)),
        ]
        nearest_copy = min(cosine(original, vector(copy)) for copy in copies)
        strangers = max(cosine(original, other) for key, other in originals.items() if key != person)
        assert nearest_copy > 0.8
        assert nearest_copy > strangers + 0.05, person


def test_a_stranger_among_the_photos_is_flagged_and_left_out(tmp_path: Path) -> None:
    same = [drawn_face(1), ImageEnhance.Brightness(drawn_face(1)).enhance(0.8), drawn_face(1, size=300)]
    noise = Image.fromarray(np.random.default_rng(5).integers(0, 255, (400, 400, 3), dtype=np.uint8))
    output = run(tmp_path, [*same, noise])
    assert [face["outlier"] for face in output.data["faces"]] == [False, False, False, True]
    assert any("4" in note for note in output.summary["notes"])
    alone = run(tmp_path / "alone", same)
    assert output.data["consistency"] < alone.data["consistency"]
    assert output.data["embedding"] == pytest.approx(alone.data["embedding"])
    assert output.data["best"] != 3


def test_blurred_dark_and_small_photos_have_lower_quality(tmp_path: Path) -> None:
    face = drawn_face(2)
    worse = [
        face.filter(ImageFilter.GaussianBlur(6)),
        ImageEnhance.Brightness(face).enhance(0.15),
        drawn_face(2, size=64),
    ]
    output = run(tmp_path, [face, *worse])
    quality = [entry["quality"] for entry in output.data["faces"]]
    assert quality[1]["sharpness"] < quality[0]["sharpness"]
    assert quality[2]["exposure"] < quality[0]["exposure"]
    assert quality[3]["size"] < quality[0]["size"]
    assert max(entry["overall"] for entry in quality) == quality[0]["overall"]
    assert output.data["best"] == 0


def test_centre_crop_says_so(tmp_path: Path) -> None:
    output = run(tmp_path, [drawn_face(1), drawn_face(1)])
    assert {face["method"] for face in output.data["faces"]} == {"centre_crop"}
    assert output.summary["centre_crops"] == 2
    assert "no face was detected in 2 of 2 photos" in output.summary["notes"][0]


def test_portrait_is_cut_out_of_its_background(tmp_path: Path) -> None:
    output = run(tmp_path, [drawn_face(3, size=1200, backdrop=(40, 160, 60))])
    files = {file.role: file for file in output.files}
    with Image.open(files["portrait"].path) as portrait:
        assert (portrait.format, portrait.mode) == ("PNG", "RGBA")
        assert portrait.height <= 768
        assert portrait.size == (files["portrait"].media["width"], files["portrait"].media["height"])
        seen = np.asarray(portrait).astype(int)
    opaque = seen[seen[..., 3] > 200]
    green = np.abs(opaque[:, :3] - (40, 160, 60)).max(axis=1) < 12
    assert green.mean() < 0.05
    assert seen[seen.shape[0] // 2, seen.shape[1] // 2, 3] > 200
    assert seen[2, 2, 3] < 60
    with Image.open(files["thumbnail"].path) as thumbnail:
        assert (thumbnail.format, max(thumbnail.size)) == ("JPEG", 384)


def test_an_evenly_coloured_photo_takes_no_longer_than_others(tmp_path: Path) -> None:
    began = time.process_time()
    run(tmp_path, [Image.new("RGB", (600, 600), "red")])
    assert time.process_time() - began < 6


def test_photo_with_its_own_transparency_keeps_it(tmp_path: Path) -> None:
    face = drawn_face(4).convert("RGBA")
    alpha = Image.new("L", face.size, 0)
    alpha.paste(255, (100, 50, 300, 350))
    face.putalpha(alpha)
    output = run(tmp_path, [face])
    with Image.open(next(file.path for file in output.files if file.role == "portrait")) as portrait:
        assert portrait.size == (200, 300)
        assert portrait.getchannel("A").getextrema() == (255, 255)


def test_same_photos_give_the_same_numbers_and_bytes(tmp_path: Path) -> None:
    first, again = (run(tmp_path / name, [drawn_face(1), drawn_face(1, size=300)]) for name in ("a", "b"))
    assert first.data == again.data
    for one, two in zip(first.files, again.files, strict=True):
        assert one.path.read_bytes() == two.path.read_bytes()


def test_alignment_puts_the_eyes_at_their_places() -> None:
    canvas = np.zeros((400, 400, 3), np.uint8)
    left, right = np.array([130.0, 220.0]), np.array([240.0, 160.0])
    for point in (left, right):
        cv2.circle(canvas, (int(point[0]), int(point[1])), 9, (255, 255, 255), -1)
    aligned = align(canvas, left, right)[..., 0]
    for x, y in (LEFT_EYE, RIGHT_EYE):
        assert aligned[round(y * SIZE), round(x * SIZE)] > 200


@pytest.mark.parametrize("count", [0, 11])
def test_number_of_photos_is_checked(tmp_path: Path, count: int) -> None:
    with pytest.raises(RenderError, match=f"{count} photos"):
        run(tmp_path, [drawn_face(0, size=64)] * count)


def test_missing_unreadable_and_foreign_input(tmp_path: Path) -> None:
    engine = DescriptorEngine()
    with pytest.raises(RenderError, match="'gone' was not handed over"):
        engine.render(EmbeddingSpec(name="x", photo_keys=["gone"]), context(tmp_path))
    broken = tmp_path / "broken"
    broken.write_bytes(b"nothing")
    with pytest.raises(RenderError, match="cannot be read"):
        engine.render(EmbeddingSpec(name="x", photo_keys=["k"]), context(tmp_path, {"k": broken}))
    with pytest.raises(RenderError, match="ShotSpec"):
        engine.render(shot(), context(tmp_path))


def test_cancel_stops_after_the_photo_at_hand(tmp_path: Path) -> None:
    done: list[int] = []
    with pytest.raises(RenderCancelledError):
        run(
            tmp_path,
            [drawn_face(1)] * 3,
            on_progress=lambda *report: done.append(report[1]),
            is_cancelled=lambda: len(done) >= 1,
        )
    assert done == [1]


def red_patch_detector(path: Path) -> Path:
    """A network with the 12 outputs of YuNet that answers saturated red: one face of 96 px around each red cell of stride 32.

    Certainty = sigmoid(40 (mean red - mean green) - 20) per cell at stride 32, none at strides 8 and 16; box and landmarks are
    constants in units of the stride, as `cv2.FaceDetectorYN` decodes them.
    """
    nodes, weights, outputs = [], [], []

    def constant(name: str, values: Any) -> str:
        weights.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    weights.append(numpy_helper.from_array(np.array([1, -1, 1], np.int64), "shape1"))
    for width in (4, 10):
        weights.append(numpy_helper.from_array(np.array([1, -1, width], np.int64), f"shape{width}"))
    redness = np.zeros((1, 3, 1, 1))
    redness[0, 2], redness[0, 1] = 40 / 255, -40 / 255
    points = [-0.5, -0.4, 0.5, -0.4, 0.0, 0.0, -0.4, 0.5, 0.4, 0.5]
    heads = {"cls": (redness, [-20.0], 1), "obj": (np.zeros((1, 3, 1, 1)), [20.0], 1),
             "bbox": (np.zeros((4, 3, 1, 1)), [0.5, 0.5, np.log(3), np.log(3)], 4), "kps": (np.zeros((10, 3, 1, 1)), points, 10)}  # fmt: skip
    for stride in (8, 16, 32):
        nodes.append(
            helper.make_node(
                "AveragePool", ["input"], [f"cells{stride}"], kernel_shape=[stride] * 2, strides=[stride] * 2
            )
        )
        for head, (kernel, bias, width) in heads.items():
            name = f"{head}_{stride}"
            offset = [-99.0] if head == "cls" and stride != 32 else bias
            inputs = [f"cells{stride}", constant(f"w_{name}", kernel), constant(f"b_{name}", offset)]
            nodes.append(helper.make_node("Conv", inputs, [f"conv_{name}"], kernel_shape=[1, 1]))
            source = f"conv_{name}"
            if head in ("cls", "obj"):
                nodes.append(helper.make_node("Sigmoid", [source], [f"sig_{name}"]))
                source = f"sig_{name}"
            nodes.append(helper.make_node("Transpose", [source], [f"rows_{name}"], perm=[0, 2, 3, 1]))
            nodes.append(helper.make_node("Reshape", [f"rows_{name}", f"shape{width}"], [name]))
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, width]))
    picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, None, None])
    graph = helper.make_graph(nodes, "red-patches", [picture], outputs, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def test_configured_detector_finds_the_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(red_patch_detector(tmp_path / "red.onnx")))
    engine = DescriptorEngine()
    engine.setup()
    marked, blank = Image.new("RGB", (640, 480), (90, 90, 90)), Image.new("RGB", (640, 480), (90, 90, 90))
    marked.paste((255, 0, 0), (448, 96, 480, 128))
    output = run(tmp_path, [marked, blank], engine)
    found, missed = output.data["faces"]
    assert found["method"] == "detector"
    assert found["score"] > 0.9
    x, y, w, h = found["box"]
    assert (x + w / 2, y + h / 2) == (pytest.approx(464, abs=20), pytest.approx(112, abs=20))
    assert missed["method"] == "centre_crop"
    assert "1 of 2" in output.summary["notes"][0]
    assert output.recipe["detector"] is True


def test_wrong_detector_files_are_configuration_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=rf"{VARIABLE}.*is not a file"):
        load_detector(str(tmp_path / "nowhere.onnx"))
    rubbish = tmp_path / "rubbish.onnx"
    rubbish.write_bytes(b"not a network")
    with pytest.raises(ConfigurationError, match=VARIABLE):
        load_detector(str(rubbish))
    assert load_detector("") is None
