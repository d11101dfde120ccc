"""Made face models: an SCRFD-shaped detector of a marker, an ArcFace-shaped recogniser, a CLIP picture encoder.

A made face wears a small magenta dot on its nose: the detector answers exactly that, with box and points as
`made_face` draws them at its size in pixels of a picture of SEARCHED x SEARCHED. The recogniser subtracts the mean of
other made faces, so that cosines of different persons spread around zero.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw

from tests.unit.engines.helpers import drawn_face

SEARCHED = 640
FACE = 240  # pixels of the square that a made face fills of a picture of SEARCHED
MARK = (255, 0, 255)
_SCALE = FACE / 400  # drawn_face draws on 400 pixels
_NOSE = (200, 205)  # where its nose lies there
_POINTS = [(-38, -42), (38, -42), (0, 0), (-28, 42), (28, 42)]  # eyes, nose, mouth from the nose, on 400 pixels
_PIXELS = 112
_CELL = 8
_SEEN = 3 * (_PIXELS // _CELL) ** 2
NUMBERS = 512


def made_face(person: int, size: int = FACE, backdrop: tuple[int, int, int] = (120, 150, 170)) -> Image.Image:
    """`drawn_face` with the marker on its nose."""
    picture = drawn_face(person, backdrop=backdrop)
    x, y = _NOSE
    ImageDraw.Draw(picture).ellipse((x - 14, y - 14, x + 14, y + 14), fill=MARK)
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def in_a_picture(
    *faces: tuple[Image.Image, tuple[int, int]], backdrop: tuple[int, int, int] = (120, 150, 170)
) -> Image.Image:
    """A picture of SEARCHED x SEARCHED with the faces at their places (left upper corners)."""
    picture = Image.new("RGB", (SEARCHED, SEARCHED), backdrop)
    for face, place in faces:
        picture.paste(face, place)
    return picture


def face_pack(folder: Path, licence: str = "") -> Path:
    """A folder as insightface reads it: det.onnx, rec.onnx and perhaps a LICENSE."""
    folder.mkdir(parents=True, exist_ok=True)
    write_detector(folder / "det.onnx")
    write_recogniser(folder / "rec.onnx")
    if licence:
        (folder / "LICENSE").write_text(licence, encoding="utf-8")
    return folder


def write_detector(path: Path) -> Path:
    """Nine outputs as SCRFD has them: scores, boxes and points of two anchors a cell at strides 8, 16 and 32.

    Certainty at stride 8 = sigmoid(60 m - 24), m = mean over the cell of how magenta it is (0-1); none elsewhere.
    """
    nodes: list[Any] = []
    weights: list[Any] = []
    kernel = np.zeros((1, 3, 1, 1), np.float32)
    kernel[0, :, 0, 0] = np.array([0.5, -1.0, 0.5]) * 0.5 * (128 / 127.5)  # SCRFD reads (value - 127.5) / 128
    weights.append(numpy_helper.from_array(kernel, "magenta"))
    nodes += [
        helper.make_node("Conv", ["input.1", "magenta"], ["hue"], kernel_shape=[1, 1]),
        helper.make_node("Relu", ["hue"], ["marked"]),
    ]
    for stride in (8, 16, 32):
        nodes += _head(stride, weights)
    outputs = [
        helper.make_tensor_value_info(f"{head}_{stride}", TensorProto.FLOAT, [None, width])
        for head, width in (("score", 1), ("bbox", 4), ("kps", 10))
        for stride in (8, 16, 32)
    ]
    picture = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, "h", "w"])
    _save(helper.make_graph(nodes, "marker", [picture], outputs, weights), path)
    return path


def _head(stride: int, weights: list[Any]) -> list[Any]:
    """Box and points are distances from the cell in units of the stride; both anchors of a cell say the same."""
    reach = 90 * _SCALE / stride
    points = [value * _SCALE / stride for point in _POINTS for value in point]
    heads = {
        "score": (60.0 if stride == 8 else 0.0, [-24.0 if stride == 8 else -99.0] * 2),
        "bbox": (0.0, [reach] * 8),
        "kps": (0.0, points * 2),
    }
    cells = f"cells{stride}"
    nodes = [helper.make_node("AveragePool", ["marked"], [cells], kernel_shape=[stride] * 2, strides=[stride] * 2)]
    for head, (slope, bias) in heads.items():
        name, width = f"{head}_{stride}", len(bias) // 2
        factor = np.full((len(bias), 1, 1, 1), slope, np.float32)
        weights += [
            numpy_helper.from_array(factor, f"w_{name}"),
            numpy_helper.from_array(np.array(bias, np.float32), f"b_{name}"),
            numpy_helper.from_array(np.array([-1, width], np.int64), f"shape_{name}"),
        ]
        nodes.append(helper.make_node("Conv", [cells, f"w_{name}", f"b_{name}"], [f"conv_{name}"], kernel_shape=[1, 1]))
        source = f"conv_{name}"
        if head == "score":
            nodes.append(helper.make_node("Sigmoid", [source], [f"sig_{name}"]))
            source = f"sig_{name}"
        nodes += [
            helper.make_node("Transpose", [source], [f"rows_{name}"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", [f"rows_{name}", f"shape_{name}"], [name]),
        ]
    return nodes


def write_recogniser(path: Path, numbers: int = NUMBERS) -> Path:
    """Means of 8 x 8 cells less those of a mean face, times random rows that sum up to zero: `numbers` a face."""
    chance = np.random.default_rng(4)
    rows = chance.standard_normal((numbers, _SEEN)).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    bias = -(rows @ _mean_face()).astype(np.float32)
    weights = [numpy_helper.from_array(rows, "rows"), numpy_helper.from_array(bias, "bias")]
    nodes = [
        helper.make_node("AveragePool", ["data"], ["cells"], kernel_shape=[_CELL] * 2, strides=[_CELL] * 2),
        helper.make_node("Flatten", ["cells"], ["flat"]),
        helper.make_node("Gemm", ["flat", "rows", "bias"], ["vector"], transB=1),
    ]
    picture = helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, _PIXELS, _PIXELS])
    vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", numbers])
    _save(helper.make_graph(nodes, "cells", [picture], [vector], weights), path)
    return path


def _mean_face() -> Any:
    """What the recogniser sees of 24 persons that no test uses, on average."""
    from gpu_agents.faces.align import align

    points = (np.array(_POINTS) + np.array(_NOSE)) * (SEARCHED / 400)
    seen = []
    for person in range(1000, 1024):
        photo = np.asarray(made_face(person, SEARCHED))[..., ::-1].copy()
        aligned = align(photo, points)[..., ::-1].astype(np.float64)
        cells = aligned.reshape(_PIXELS // _CELL, _CELL, _PIXELS // _CELL, _CELL, 3).mean(axis=(1, 3))
        seen.append(((cells - 127.5) / 127.5).transpose(2, 0, 1).ravel())
    return np.mean(seen, axis=0)


def _save(graph: Any, path: Path) -> None:
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))


def clip_folder(folder: Path, width: int = 768) -> Path:
    """A CLIP picture encoder of two layers with `width` numbers a picture, as safetensors."""
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(3)
    config = CLIPVisionConfig(
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=64,
        patch_size=8,
        projection_dim=width,
    )
    CLIPVisionModelWithProjection(config).save_pretrained(folder, safe_serialization=True)
    return folder
