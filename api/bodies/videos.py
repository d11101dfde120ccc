"""POST /videos/generate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from api.bodies.base import (
    Body,
    CallbackUrl,
    Deadline,
    EngineName,
    FilledText,
    Identifier,
    Project,
    Seconds,
    Seed,
    Text,
    given,
)
from api.bodies.images import GuidanceScale, NegativePrompt, Prompt, SceneConfig, Steps, Style
from api.bodies.scripts import Script
from api.engines import engine_errors, makes_clips
from api.rules import BadField
from schemas.specs import Language, Transition, VideoFormat

LOW, HIGH, STEP = 512, 2048, 8
_RESOLUTION = re.compile(r"(\d{3,4})x(\d{3,4})", re.ASCII)
SceneId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def parse_resolution(text: str) -> tuple[int, int] | None:
    """(width, height) in pixels of "1280x768", None unless both are 512-2048 and multiples of 8."""
    match = _RESOLUTION.fullmatch(text)
    if match is None:
        return None
    size = int(match[1]), int(match[2])
    return size if all(LOW <= side <= HIGH and side % STEP == 0 for side in size) else None


def _resolution(text: str) -> str:
    if parse_resolution(text) is None:
        raise PydanticCustomError("resolution", "resolution", {"low": LOW, "high": HIGH, "step": STEP})
    return text


class Scene(Body):
    """One shot. `duration` in seconds; `image_path` is an id or key of an asset of the account, never a path."""

    id: SceneId | None = None
    prompt: Prompt
    duration: Annotated[Seconds, Field(ge=0.5, le=60)] = 5.0
    image_path: Annotated[FilledText, StringConstraints(max_length=512)] | None = None
    character_id: Identifier | None = None
    narration: Annotated[Text, StringConstraints(max_length=500)] = ""
    transition: Transition = "crossfade"
    scene_config: SceneConfig = SceneConfig()


class VideoConfig(Body):
    """Frames a second, size in pixels, sound, captions.

    With `upscale` pictures are drawn at `resolution` and enlarged to twice that each way, or to the largest size that the
    account may have if that is less.
    """

    fps: Annotated[int, Field(ge=1, le=60)] = 24
    resolution: Annotated[str, AfterValidator(_resolution)] = "1280x768"
    upscale: bool = False
    audio: bool = True
    subtitles: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of `resolution` in pixels."""
        width, _, height = self.resolution.partition("x")
        return int(width), int(height)


class VideoBody(Body):
    """A film from scenes, from a script, or from a finished storyboard: exactly one of the three."""

    scenes: Annotated[list[Scene], Field(min_length=1, max_length=200)] | None = None
    script: Script | None = None
    storyboard_id: Identifier | None = None
    title: Annotated[Text, StringConstraints(max_length=200)] = ""
    style: Style = ""
    language: Language | None = None
    characters: Annotated[list[Identifier], Field(max_length=20)] = []
    target_duration: Annotated[Seconds, Field(ge=0.5, le=3600)] | None = None
    video_config: VideoConfig = VideoConfig()
    output_format: VideoFormat = "mp4"
    negative_prompt: NegativePrompt = ""
    num_inference_steps: Steps = 40
    guidance_scale: GuidanceScale = 7.5
    seed: Seed | None = None
    engine: EngineName = "animatic"
    image_engine: EngineName = "sketch"
    upscale_engine: EngineName = "upscale"
    project: Project | None = None
    deadline: Deadline | None = None
    callback_url: CallbackUrl | None = None

    @classmethod
    def cross_check(cls, data: Mapping[str, Any], now: datetime) -> list[BadField]:
        """Also: one source of shots, unique scene ids, fields that need a script, installed engines."""
        bad = super().cross_check(data, now)
        bad += engine_errors(data, "engine", "video") + engine_errors(data, "image_engine", "image")
        bad += engine_errors(data, "upscale_engine", "upscale") + _upscale_errors(data)
        sources = given(data, "scenes", "script", "storyboard_id")
        if len(sources) != 1:
            bad.append(BadField("scenes", "exactly_one", {"fields": "scenes, script, storyboard_id"}))
        if data.get("target_duration") is not None and "script" not in sources:
            bad.append(BadField("target_duration", "only_with", {"other": "script"}))
        if data.get("characters") and "scenes" in sources:
            bad.append(BadField("characters", "only_with", {"other": "script, storyboard_id"}))
        return bad + _repeated_ids(data.get("scenes"))


def _upscale_errors(data: Mapping[str, Any]) -> list[BadField]:
    """Only stills are enlarged."""
    config, engine = data.get("video_config"), data.get("engine")
    upscale = isinstance(config, dict) and config.get("upscale") is True
    if upscale and isinstance(engine, str) and makes_clips(engine):
        return [BadField("video_config.upscale", "stills_only", {"engine": engine})]
    return []


def _repeated_ids(scenes: object) -> list[BadField]:
    seen: set[str] = set()
    bad = []
    for number, scene in enumerate(scenes if isinstance(scenes, list) else []):
        name = scene.get("id") if isinstance(scene, dict) else None
        if not isinstance(name, str):
            continue
        if name in seen:
            bad.append(BadField(f"scenes[{number}].id", "unique"))
        seen.add(name)
    return bad
