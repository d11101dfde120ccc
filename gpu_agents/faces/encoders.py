"""Face encoders by the name of their engine, imported when they are asked for."""

from __future__ import annotations

import importlib

from gpu_agents.faces.face import FaceEncoder
from schemas.errors import ConfigurationError

ENCODERS = {
    "insightface": "gpu_agents.engines.insightface.encoder:InsightFaceEncoder",
    "clip-face": "gpu_agents.engines.clip_face.encoder:ClipFaceEncoder",
    "descriptor": "gpu_agents.engines.descriptor.encoder:DescriptorEncoder",
}


def load_encoder(name: str) -> FaceEncoder:
    """The encoder, ready to use. Raises `ConfigurationError` for an unknown name or naming what the encoder lacks."""
    if name not in ENCODERS:
        raise ConfigurationError(f"face encoder {name!r} is unknown; there are: {', '.join(ENCODERS)}")
    module, _, attribute = ENCODERS[name].partition(":")
    encoder = getattr(importlib.import_module(module), attribute)()
    assert isinstance(encoder, FaceEncoder)
    encoder.load()
    return encoder
