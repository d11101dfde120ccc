"""`ClipFaceEngine`: reference photos of a character by a CLIP-type picture encoder."""

from __future__ import annotations

from typing import ClassVar

from gpu_agents.engines.base import EngineKind
from gpu_agents.engines.clip_face.encoder import ClipFaceEncoder
from gpu_agents.faces.engine import FaceEngine


class ClipFaceEngine(FaceEngine):
    """Face engine over `ClipFaceEncoder`."""

    name: ClassVar[str] = "clip-face"
    kind: ClassVar[EngineKind] = EngineKind.FACE
    version: ClassVar[str] = "2"

    def __init__(self) -> None:
        super().__init__(ClipFaceEncoder())
