"""Records that are parts of other records."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class TaskKind(StrEnum):
    """What a task makes."""

    UNKNOWN = "unknown"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    STORYBOARD = "storyboard"
    CHARACTER = "character"
    VERIFICATION = "verification"


class StageKind(StrEnum):
    """What one stage of a task makes; equals the tag of its spec where one engine call makes one thing."""

    UNKNOWN = "unknown"
    SCRIPT = "script"
    SHOT = "shot"
    CLIP = "clip"
    SPEECH = "speech"
    MUSIC = "music"
    FILM = "film"
    EMBEDDING = "embedding"
    UPSCALE = "upscale"


class Tier(StrEnum):
    """Service tier of an account."""

    UNKNOWN = "unknown"
    VIP = "vip"
    NORMAL = "normal"
    FREE = "free"


class Ending(StrEnum):
    """How a task that is being stopped will end."""

    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


class FieldError(Struct, frozen=True, kw_only=True):
    """One bad field: its path in the body ("scenes[2].prompt"), the rule and words for people."""

    field: str = ""
    rule: str = ""
    message: str = ""


class Problem(Struct, frozen=True, kw_only=True):
    """Why something was refused or failed. `type` is the class name of the owner's error shape, `code` is stable."""

    type: str = ""
    code: str = ""
    detail: str = ""
    retryable: bool = False
    errors: list[FieldError] = []


class Artifact(Struct, frozen=True, kw_only=True):
    """A stored file. `role` is "main", "thumbnail", "poster", "subtitles", "portrait" ...; size in bytes.

    width/height in pixels, duration in milliseconds; 0 where they do not apply.
    """

    stage_id: str = ""
    role: str = ""
    key: str = ""
    sha256: str = ""
    size: int = 0
    content_type: str = ""
    width: int = 0
    height: int = 0
    duration_ms: int = 0


class StagePlan(Struct, frozen=True, kw_only=True):
    """One stage as planned: what to run, on which engine, after which stages. `sealed` is the spec's ciphertext.

    `work` is the size of the job in units of its kind: thousandths of a megapixel for shots and enlarged stills,
    frames for clips and films, characters for speech, seconds for music, 1 elsewhere; `deliver` marks stages whose files
    are the task's result.
    `character_ids` are the characters that a shot names.
    """

    stage_id: str = ""
    kind: StageKind = StageKind.UNKNOWN
    engine: str = ""
    sealed: bytes = b""
    seed: int = 0
    work: int = 1
    depends_on: list[str] = []
    max_attempts: int = 3
    deliver: bool = False
    character_ids: list[str] = []


class FilmPlan(Struct, frozen=True, kw_only=True):
    """All stages of a film, made from a storyboard: by the API when the shots are known, by an agent from a script."""

    stages: list[StagePlan] = []
    shot_count: int = 0
    duration_ms: int = 0
    frames: int = 0


class Limits(Struct, frozen=True, kw_only=True):
    """What an account may use a day and ask for at once. Zero means none at all."""

    images_per_day: int = 100
    videos_per_day: int = 10
    max_width: int = 1920
    max_height: int = 1080
    max_duration_s: int = 60
    max_frames: int = 1440
