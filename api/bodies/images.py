"""POST /images/generate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.bodies.base import (
    Body,
    CallbackUrl,
    Deadline,
    EngineName,
    FilledText,
    Identifier,
    PixelSize,
    Project,
    Seed,
    Text,
)
from api.engines import engine_errors
from api.rules import BadField
from schemas.specs import Camera, Lighting, Mood, PictureFormat

Prompt = Annotated[FilledText, StringConstraints(max_length=500)]
NegativePrompt = Annotated[Text, StringConstraints(max_length=500)]
Style = Annotated[Text, StringConstraints(max_length=100)]
Steps = Annotated[int, Field(ge=10, le=100)]
GuidanceScale = Annotated[float, Field(ge=0, le=30, allow_inf_nan=False)]


class SceneConfig(Body):
    """How the scene is filmed."""

    camera: Camera = "medium"
    lighting: Lighting = "natural"
    mood: Mood = "neutral"


class ImageBody(Body):
    """`count` pictures of one prompt; picture i uses seed + i. Without a seed the API draws one. Sizes in pixels."""

    prompt: Prompt
    negative_prompt: NegativePrompt = ""
    width: PixelSize = 1536
    height: PixelSize = 864
    num_inference_steps: Steps = 40
    guidance_scale: GuidanceScale = 7.5
    seed: Seed | None = None
    character_id: Identifier | None = None
    scene_config: SceneConfig = SceneConfig()
    style: Style = ""
    output_format: PictureFormat = "png"
    engine: EngineName = "sketch"
    project: Project | None = None
    count: Annotated[int, Field(ge=1, le=8)] = 1
    deadline: Deadline | None = None
    callback_url: CallbackUrl | None = None

    @classmethod
    def cross_check(cls, data: Mapping[str, Any], now: datetime) -> list[BadField]:
        """Also: the engine is installed."""
        return [*super().cross_check(data, now), *engine_errors(data, "engine", "image")]
