"""The descriptor as a face encoder."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from gpu_agents.engines.descriptor.detect import detect, detector_from_env, find_face
from gpu_agents.engines.descriptor.embedding import DIMENSIONS, ENCODER, embed
from gpu_agents.faces.face import Bgr, Face, Vector


class DescriptorEncoder:
    """Works without weights; `load` loads the detector that STORYREEL_FACE_DETECTOR_MODEL names, else faces are centre crops.

    Photos of one person may differ much for it, so it refuses none of them.
    """

    name = "descriptor"
    space = ENCODER
    dimensions = DIMENSIONS
    threshold = 0.75
    trained = False

    def __init__(self) -> None:
        self._detector: Any | None = None

    @property
    def detects(self) -> bool:
        """Whether a detector is configured."""
        return self._detector is not None

    def load(self) -> None:
        """Load and try the detector. Raises `ConfigurationError` naming the variable when it cannot work."""
        self._detector = detector_from_env()

    def faces(self, photo: Bgr) -> list[Face]:
        """Every face that the detector finds."""
        return detect(photo, self._detector)

    def reference(self, photo: Bgr) -> Face:
        """The best face, else the middle of the picture."""
        return find_face(photo, self._detector)

    def embed(self, face: Face) -> Vector:
        """768 numbers, mean 0, length 1."""
        return embed(face.aligned)

    def recipe(self) -> dict[str, Any]:
        """Versions of the libraries, and whether faces were looked for."""
        libraries = {name: version(name) for name in ("numpy", "opencv-python-headless", "pillow")}
        return {"encoder": ENCODER, "libraries": libraries, "detector": self.detects}
