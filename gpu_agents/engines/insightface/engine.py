"""`InsightFaceEngine`: reference photos of a character by a model pack of insightface."""

from __future__ import annotations

from typing import ClassVar

from gpu_agents.engines.base import EngineKind
from gpu_agents.engines.insightface.encoder import InsightFaceEncoder
from gpu_agents.faces.engine import FaceEngine


class InsightFaceEngine(FaceEngine):
    """Face engine over `InsightFaceEncoder`."""

    name: ClassVar[str] = "insightface"
    kind: ClassVar[EngineKind] = EngineKind.FACE
    version: ClassVar[str] = "2"

    def __init__(self) -> None:
        super().__init__(InsightFaceEncoder())
