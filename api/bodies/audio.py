"""POST /audio/generate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.bodies.base import Body, CallbackUrl, Deadline, EngineName, FilledText, Project, Seconds, Seed, given
from api.engines import engine_errors
from api.rules import BadField
from schemas.specs import AudioFormat, Language, Mood


class AudioBody(Body):
    """Speech from `text`, or a music bed (with `ambience` a sound scene) from `mood`. `duration` in seconds."""

    text: Annotated[FilledText, StringConstraints(max_length=4096)] | None = None
    voice: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+-]{1,64}$")] | None = None
    language: Language | None = None
    speed: Annotated[float, Field(ge=0.5, le=2, allow_inf_nan=False)] | None = None
    mood: Mood | None = None
    ambience: bool | None = None
    duration: Annotated[Seconds, Field(ge=0.5, le=600)] | None = None
    seed: Seed | None = None
    format: AudioFormat = "wav"
    engine: EngineName | None = None
    project: Project | None = None
    deadline: Deadline | None = None
    callback_url: CallbackUrl | None = None

    @classmethod
    def cross_check(cls, data: Mapping[str, Any], now: datetime) -> list[BadField]:
        """Also: either text or mood, and only the fields that belong to it."""
        bad = super().cross_check(data, now)
        sources = given(data, "text", "mood")
        if len(sources) != 1:
            return [*bad, BadField("text", "exactly_one", {"fields": "text, mood"})]
        speech = sources == ["text"]
        foreign = ("ambience", "duration", "seed") if speech else ("voice", "language", "speed")
        other = {"other": "mood" if speech else "text"}
        bad += [BadField(name, "only_with", other) for name in given(data, *foreign)]
        return bad + engine_errors(data, "engine", "speech" if speech else "music")
