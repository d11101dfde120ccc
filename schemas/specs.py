"""What a stage is to render: the private part of a command, sealed on the log, plain only in the API and in the agents.

Everything a person wrote or uploaded (prompts, names, narration, asset keys) lives here, so that the clear part of an
event never holds personal data. A spec is encoded as JSON by `seal`/`unseal` in `infra.keystore`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Camera = Literal[
    "static", "close_up", "medium", "wide", "low_angle", "high_angle", "aerial", "pan", "dolly", "zoom", "handheld"
]
Lighting = Literal["natural", "golden_hour", "night", "studio", "neon", "candlelight", "overcast", "backlit"]
Mood = Literal["neutral", "happy", "calm", "tense", "sad", "mysterious", "epic", "romantic"]
Transition = Literal["cut", "fade", "crossfade", "wipe"]
Language = Literal["zh", "en"]
PictureFormat = Literal["png", "jpeg", "webp"]
VideoFormat = Literal["mp4", "webm", "gif"]
AudioFormat = Literal["wav", "mp3"]


class FaceRef(Struct, frozen=True, kw_only=True):
    """The vector of a character's face: little-endian half-precision numbers of length 1 in the space `space`.

    `encoder` is the face engine that made it. Personal: it lies on the log inside sealed specs only.
    """

    encoder: str
    space: str
    vector: bytes


class CharacterRef(Struct, frozen=True, kw_only=True):
    """A character as a shot sees it: its name, words that describe it, the object key of its cut-out portrait (PNG, RGBA).

    `photo_keys` are its reference photos, `face` what its face is recognised by; None for a character that was made before
    vectors went along, or whose vector is gone.
    """

    character_id: str
    name: str
    description: str = ""
    portrait_key: str = ""
    revision: int = 0
    photo_keys: list[str] = []
    face: FaceRef | None = None


class ShotSpec(Struct, frozen=True, kw_only=True, tag="shot"):
    """One picture. Sizes in pixels (512-2048, multiples of 8); the seed makes the picture repeatable."""

    prompt: str
    negative_prompt: str = ""
    style: str = ""
    camera: Camera = "medium"
    lighting: Lighting = "natural"
    mood: Mood = "neutral"
    width: int = 1536
    height: int = 864
    seed: int = 0
    steps: int = 40
    guidance_scale: float = 7.5
    output_format: PictureFormat = "png"
    characters: list[CharacterRef] = []
    image_key: str = ""  # object key of a picture that takes the place of drawing one, "" = draw


class SpeechSpec(Struct, frozen=True, kw_only=True, tag="speech"):
    """One spoken line; `max_seconds` > 0 asks for a tempo that fits. `voice` "" = the default of the language."""

    text: str
    language: Language = "en"
    voice: str = ""
    speed: float = 1.0  # 0.5-2.0, 1.0 = normal
    max_seconds: float = 0.0
    output_format: AudioFormat = "wav"


class MusicSpec(Struct, frozen=True, kw_only=True, tag="music"):
    """A synthesised bed. One mood a section; sections follow one another and sum up to the length."""

    sections: list[tuple[Mood, float]]  # (mood, seconds)
    ambience: bool = False
    seed: int = 0
    output_format: AudioFormat = "wav"


class FilmShot(Struct, frozen=True, kw_only=True):
    """One shot of the film in the order of the list; `still_stage`/`speech_stage` name the stages whose files are the inputs."""

    shot_id: str
    duration: float  # seconds
    still_stage: str
    speech_stage: str = ""
    camera: Camera = "medium"
    transition: Transition = "crossfade"  # into the next shot
    subtitle: str = ""
    speaker: str = ""


class FilmSpec(Struct, frozen=True, kw_only=True, tag="film"):
    """The film to put together from stills (or clips), speech and a music bed."""

    shots: list[FilmShot]
    width: int = 1280
    height: int = 768
    fps: int = 24
    language: Language = "en"
    title: str = ""
    subtitles: bool = True
    audio: bool = True
    music_stage: str = ""
    output_format: VideoFormat = "mp4"
    seed: int = 0


class ScriptSpec(Struct, frozen=True, kw_only=True, tag="script"):
    """A script to turn into a storyboard. `language` "" = detect; `target_duration` 0 = as long as the text needs (seconds).

    `film_options` is the JSON of `schemas.film.FilmOptions` when the storyboard is to be filmed at once, else empty.
    """

    text: str
    language: str = ""
    style: str = ""
    target_duration: float = 0.0
    max_duration: float = 60.0
    characters: list[CharacterRef] = []
    film_options: bytes = b""


class EmbeddingSpec(Struct, frozen=True, kw_only=True, tag="embedding"):
    """Reference photos (object keys, 1-10, already re-encoded) of one character."""

    name: str
    photo_keys: list[str]


class VerifySpec(Struct, frozen=True, kw_only=True, tag="verify"):
    """One photo (object key, already re-encoded) to compare with a character's face."""

    photo_key: str
    face: FaceRef


class ClipSpec(Struct, frozen=True, kw_only=True, tag="clip"):
    """One shot in motion: `seconds` of video that begin with the still of `still_stage`, for a film of `fps`.

    `shot` says what is seen and how it is filmed; its sizes are the film's.
    """

    shot: ShotSpec
    still_stage: str
    seconds: float
    fps: int = 24


class UpscaleSpec(Struct, frozen=True, kw_only=True, tag="upscale"):
    """A picture of an earlier stage, made larger: exactly `width` x `height` px. The prompt helps models that read one."""

    source_stage: str
    width: int
    height: int
    prompt: str = ""
    seed: int = 0
    output_format: PictureFormat = "png"


Spec = ShotSpec | SpeechSpec | MusicSpec | FilmSpec | ScriptSpec | EmbeddingSpec | VerifySpec | ClipSpec | UpscaleSpec


class StoryboardShot(Struct, frozen=True, kw_only=True):
    """One shot of a storyboard, as the script engine writes it and as a person edits it."""

    id: str
    prompt: str
    duration: float  # seconds
    scene: int = 1  # 1-based number of the scene it belongs to
    heading: str = ""
    camera: Camera = "medium"
    lighting: Lighting = "natural"
    mood: Mood = "neutral"
    transition: Transition = "crossfade"
    characters: list[str] = []  # names found in the text
    character_id: str = ""
    dialogue: str = ""
    speaker: str = ""
    narration: str = ""
    source_text: str = ""


class StoryboardDraft(Struct, frozen=True, kw_only=True):
    """What a script engine returns."""

    title: str
    language: Language
    shots: list[StoryboardShot]
    duration: float  # seconds, sum of the shots
    notes: list[str] = []  # what the engine had to assume or leave out, in the language of the script
