"""A model pack of insightface as a face encoder."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np

from gpu_agents.engines.insightface.pack import VARIABLE, FacePack, find_pack
from gpu_agents.faces.align import align
from gpu_agents.faces.face import Bgr, Face, Vector
from gpu_agents.faces.vectors import unit
from gpu_agents.faces.weights import sha256_of
from gpu_agents.models.formats import check_formats
from schemas.errors import ConfigurationError

_TASKS = ("detection", "recognition")
_SEARCHED_AT = (640, 640)
_CERTAIN = 0.5


class InsightFaceEncoder:
    """512 numbers a face, at most 768. A reference photo without a detected face is refused."""

    name = "insightface"
    space = ""
    dimensions = 512
    threshold = 0.35  # cosine of ArcFace vectors; the packs' own verification examples lie between 0.28 and 0.40
    trained = True
    detects = True

    def __init__(self) -> None:
        self._models: dict[str, Any] = {}
        self._hashes: dict[str, str] = {}

    def load(self, pack: FacePack | None = None) -> None:
        """Load detector and recogniser of the pack. Raises `ConfigurationError`; see `pack.find_pack`."""
        pack = pack or find_pack(os.environ)
        check_formats(pack.folder)
        models, hashes = load_models(pack)
        width = int(models["recognition"].output_shape[-1])
        if not 0 < width <= 768:
            raise ConfigurationError(
                f"{VARIABLE}: the recogniser gives {width} numbers a face, at most 768 can be stored"
            )
        self._models, self._hashes, self.dimensions = models, hashes, width
        self.space = f"insightface-{pack.name}-{hashes['recognition'][:12]}"

    def faces(self, photo: Bgr) -> list[Face]:
        """Every detected face, the large and certain ones first."""
        boxes, points = self._models["detection"].detect(photo, input_size=_SEARCHED_AT)
        if points is None:
            return []
        order = sorted(range(len(boxes)), key=lambda i: -float(boxes[i][4]) * _side(boxes[i]))
        return [self._face(photo, boxes[i], points[i], len(boxes) - 1) for i in order]

    def reference(self, photo: Bgr) -> Face | None:
        """The best face."""
        return next(iter(self.faces(photo)), None)

    def embed(self, face: Face) -> Vector:
        """The recogniser's vector, length 1."""
        return unit(self.raw(face))

    def raw(self, face: Face) -> Vector:
        """The recogniser's vector as it comes."""
        return np.asarray(self._models["recognition"].get_feat(face.aligned), np.float64).ravel()

    def recipe(self) -> dict[str, Any]:
        """Hashes of the pack's files, versions of the libraries."""
        libraries = {name: version(name) for name in ("numpy", "opencv-python-headless", "insightface", "onnxruntime")}
        return {"encoder": self.space, "weights": self._hashes, "libraries": libraries}

    def _face(self, photo: Bgr, box: Any, points: Any, others: int) -> Face:
        left, top, right, bottom, score = (float(value) for value in box)
        size = int(self._models["recognition"].input_size[0])
        return Face(
            method="detector",
            box=(left, top, right - left, bottom - top),
            score=min(1.0, max(0.0, score)),
            aligned=align(photo, points, size),
            others=others,
            points=np.asarray(points, np.float64),
        )


@lru_cache(maxsize=1)
def shared_encoder(pack: FacePack) -> InsightFaceEncoder:
    """One loaded encoder for all engines that draw with the same pack. Raises what `InsightFaceEncoder.load` raises."""
    encoder = InsightFaceEncoder()
    encoder.load(pack)
    return encoder


def load_models(pack: FacePack) -> tuple[dict[str, Any], dict[str, str]]:
    """Detector and recogniser by their tasks, and the SHA-256 of their files.

    Raises `ConfigurationError` without insightface, for a file that cannot be run and for a pack that lacks one of both.
    """
    try:
        import onnxruntime
        from insightface.model_zoo import get_model
    except ImportError as error:
        raise ConfigurationError(f"engine insightface: {error.name} is not installed (storyreel[gpu])") from error
    onnxruntime.set_default_logger_severity(3)
    models: dict[str, Any] = {}
    hashes: dict[str, str] = {}
    for path in sorted(pack.folder.glob("*.onnx")):
        try:
            model = get_model(str(path.resolve()), providers=_providers(onnxruntime.get_available_providers()))
        except Exception as error:  # onnxruntime raises classes of its own
            raise ConfigurationError(f"{VARIABLE}: {path.name} cannot be run: {error}") from error
        if model is not None and model.taskname in _TASKS and model.taskname not in models:
            models[model.taskname], hashes[model.taskname] = model, sha256_of(path)
    if missing := [task for task in _TASKS if task not in models]:
        raise ConfigurationError(f"{VARIABLE}: {pack.folder} has no model for {' and '.join(missing)}")
    models["detection"].prepare(0, det_thresh=_CERTAIN, input_size=_SEARCHED_AT)
    return models, hashes


def _providers(available: list[str]) -> list[str]:
    wanted = ["CUDAExecutionProvider"] if os.environ.get("CUDA_VISIBLE_DEVICES") else []
    return [name for name in (*wanted, "CPUExecutionProvider") if name in available]


def _side(box: Any) -> float:
    return float(max(1e-6, (box[2] - box[0]) * (box[3] - box[1])) ** 0.5)
