"""How a film is to be made of a storyboard."""

from __future__ import annotations

from msgspec import Struct

from schemas.specs import CharacterRef, Language, VideoFormat


class FilmOptions(Struct, frozen=True, kw_only=True):
    """How to film a storyboard. Sizes in pixels; `characters` maps character ids to what the shots need of them.

    Stills are drawn at `width` x `height`; where `film_width` and `film_height` are not 0, the film has that size and
    `upscale_engine` enlarges every still to it.
    """

    title: str = ""
    language: Language = "en"
    style: str = ""
    width: int = 1280
    height: int = 768
    fps: int = 24
    audio: bool = True
    subtitles: bool = True
    output_format: VideoFormat = "mp4"
    seed: int = 0
    steps: int = 40
    guidance_scale: float = 7.5
    negative_prompt: str = ""
    image_engine: str = "sketch"
    clip_engine: str = ""  # makes every still move before the film is cut; "" = the camera moves over the stills
    video_engine: str = "animatic"
    speech_engine: str = "speech"
    music_engine: str = "tone"
    upscale_engine: str = "upscale"
    film_width: int = 0
    film_height: int = 0
    max_attempts: int = 2
    characters: dict[str, CharacterRef] = {}
    image_keys: dict[str, str] = {}  # shot id → object key of the caller's own picture

    @property
    def film_size(self) -> tuple[int, int]:
        """Width and height of the film."""
        return (self.film_width or self.width, self.film_height or self.height)
