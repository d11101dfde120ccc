"""The picture encoder of a CLIP-type model as a face encoder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gpu_agents.engines.descriptor.detect import detect, detector_from_env
from gpu_agents.faces.face import Bgr, Face, Vector
from gpu_agents.faces.vectors import unit
from gpu_agents.faces.weights import sha256_of
from gpu_agents.models.entry import ModelKind
from gpu_agents.models.formats import check_formats
from gpu_agents.models.licences import insist_on_licence
from gpu_agents.models.registry import load_registry
from schemas.errors import ConfigurationError

VARIABLE = "STORYREEL_CLIP_FACE_MODEL"
FAMILY = "clip"
_MARGIN = 0.25  # of the face's box on every side: hair and chin belong to a likeness


class ClipFaceEncoder:
    """At most 768 numbers a face. Faces are found by the detector that STORYREEL_FACE_DETECTOR_MODEL names, else the middle
    of a reference photo is taken.

    It tells likeness, clothes and style of a picture at once, so its threshold is high. The model comes into memory with
    the first face, so that an agent is ready without importing torch.
    """

    name = "clip-face"
    space = ""
    dimensions = 768
    threshold = 0.8
    trained = False

    def __init__(self) -> None:
        self._detector: Any | None = None
        self._folder = Path()
        self._model: Any = None
        self._weights: dict[str, str] = {}
        self._size = 224
        self._mean = self._deviation = np.zeros(3)

    @property
    def detects(self) -> bool:
        """Whether a detector is configured."""
        return self._detector is not None

    def load(self) -> None:
        """Load the detector and check the model's files. Raises `ConfigurationError` naming variable, file and rule."""
        _check_libraries()
        self._detector = detector_from_env()
        folder = find_model(os.environ)
        files = check_formats(folder)
        self.dimensions, self._size = _shape(folder)
        if self.dimensions > 768:
            message = f"{VARIABLE}: the model gives {self.dimensions} numbers a face, at most 768 can be stored"
            raise ConfigurationError(message)
        self._mean, self._deviation = _colours(folder)
        self._weights = {name: sha256_of(path) for name, path in files.items() if name.endswith(".safetensors")}
        if not self._weights:
            raise ConfigurationError(f"{VARIABLE}: {folder.name} holds no .safetensors file")
        self._folder, self._model = folder, None
        self.space = f"clip-face-{folder.name}-{next(iter(self._weights.values()))[:12]}"

    def faces(self, photo: Bgr) -> list[Face]:
        """Every face that the detector finds."""
        return [self._cropped(photo, face) for face in detect(photo, self._detector)]

    def reference(self, photo: Bgr) -> Face:
        """The best face, else the middle of the picture."""
        found = next(iter(self.faces(photo)), None)
        if found is not None:
            return found
        height, width = photo.shape[:2]
        side = max(8.0, min(height, width) * 0.7)
        box = ((width - side) / 2, (height - side) * 0.35, side, side)
        return self._cropped(photo, Face(method="centre_crop", box=box, score=0.0, aligned=photo))

    def embed(self, face: Face) -> Vector:
        """The projected picture embedding, length 1. Raises `ConfigurationError` when the weights are no such model."""
        import torch

        if self._model is None:
            self._model = _load(self._folder)
        red_first = face.aligned[..., ::-1].astype(np.float32) / 255
        values = ((red_first - self._mean) / self._deviation).astype(np.float32).transpose(2, 0, 1)[None]
        with torch.inference_mode():
            embedding = self._model(pixel_values=torch.from_numpy(values).to(self._model.device)).image_embeds
        return unit(embedding[0].float().cpu().numpy().astype(np.float64))

    def recipe(self) -> dict[str, Any]:
        """Hashes of the weights, versions of the libraries."""
        libraries = {name: version(name) for name in ("numpy", "opencv-python-headless", "torch", "transformers")}
        return {"encoder": self.space, "weights": self._weights, "libraries": libraries, "detector": self.detects}

    def _cropped(self, photo: Bgr, face: Face) -> Face:
        x, y, w, h = face.box
        side = max(w, h) * (1 + 2 * _MARGIN) if face.method == "detector" else max(w, h)
        centre = (x + w / 2, y + h / 2)
        patch = cv2.getRectSubPix(photo, (max(8, round(side)),) * 2, centre)
        aligned = np.asarray(cv2.resize(patch, (self._size, self._size), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return Face(
            method=face.method, box=face.box, score=face.score, aligned=aligned, others=face.others, points=face.points
        )


def find_model(environ: Mapping[str, str]) -> Path:
    """The folder that STORYREEL_CLIP_FACE_MODEL names, else the registry's model of kind encoder and family clip.

    Raises `ConfigurationError` when there is none. Nothing is downloaded.
    """
    if name := environ.get(VARIABLE, ""):
        folder = Path(name).expanduser().resolve()
        if not folder.is_dir():
            raise ConfigurationError(f"{VARIABLE}: {name} is no folder")
        return folder
    registry = load_registry(environ)
    entry = next((entry for entry in registry.of_kind(ModelKind.ENCODER) if entry.family == FAMILY), None)
    if entry is None:
        raise ConfigurationError(f"{VARIABLE}: names no folder with a CLIP model, and the registry of models has none")
    folder = registry.folder(entry)
    if not folder.is_dir():
        raise ConfigurationError(f"model {entry.name!r}: {folder} is no folder")
    insist_on_licence(entry, registry)
    return folder


def _check_libraries() -> None:
    for name in ("torch", "transformers"):
        if find_spec(name) is None:
            raise ConfigurationError(f"engine clip-face: {name} is not installed (storyreel[gpu])")


def _shape(folder: Path) -> tuple[int, int]:
    """How many numbers the model gives a picture, and the side of the pictures it reads in pixels."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        vision = config.get("vision_config", config)
        return int(vision.get("projection_dim", 512)), int(vision.get("image_size", 224))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{VARIABLE}: {folder.name}/config.json describes no CLIP model: {error}") from error


def _load(folder: Path) -> Any:
    import torch
    from transformers import CLIPVisionModelWithProjection

    try:
        model, told = CLIPVisionModelWithProjection.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigurationError(f"{VARIABLE}: {folder.name} holds no CLIP picture encoder: {error}") from error
    if told["missing_keys"] or told["mismatched_keys"]:  # transformers would go on with random numbers
        raise ConfigurationError(f"{VARIABLE}: {folder.name} holds no CLIP picture encoder: weights are missing")
    return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def _colours(folder: Path) -> tuple[Any, Any]:
    """Mean and deviation of red, green and blue that pictures are brought to, from preprocessor_config.json or CLIP's own."""
    path = folder / "preprocessor_config.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    mean = found.get("image_mean", [0.48145466, 0.4578275, 0.40821073])
    return np.array(mean), np.array(found.get("image_std", [0.26862954, 0.26130258, 0.27577711]))
