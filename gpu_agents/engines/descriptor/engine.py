"""`DescriptorEngine`: reference photos of a character to an embedding and a cut-out portrait, without any weights."""

from __future__ import annotations

from typing import ClassVar

from gpu_agents.engines.base import EngineKind
from gpu_agents.engines.descriptor.encoder import DescriptorEncoder
from gpu_agents.faces.engine import FaceEngine


class DescriptorEngine(FaceEngine):
    """Face engine over `DescriptorEncoder`."""

    name: ClassVar[str] = "descriptor"
    kind: ClassVar[EngineKind] = EngineKind.FACE
    version: ClassVar[str] = "3"

    def __init__(self) -> None:
        super().__init__(DescriptorEncoder())
