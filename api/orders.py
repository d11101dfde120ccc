"""From a checked body to its request record: what the body names is looked up, then the work is planned."""

from __future__ import annotations

from api.bodies.audio import AudioBody
from api.bodies.images import ImageBody
from api.bodies.scripts import StoryboardBody
from api.bodies.videos import VideoBody
from api.deps import Deps
from api.errors import invalid
from api.lookup import Lookup
from api.planning import images, videos
from api.planning.call import Call
from api.planning.enlarging import enlarged
from api.planning.entities import verification_request
from api.rules import BadField
from api.sealing import AccountSeal
from schemas.common import Limits
from schemas.requests import (
    AudioRequested,
    ImageRequested,
    StoryboardRequested,
    VerificationRequested,
    VideoRequested,
)


async def image_order(body: ImageBody, call: Call, seal: AccountSeal, deps: Deps) -> ImageRequested:
    """Pictures. Raises `ApiError` 400 for a character that is not the caller's or not ready."""
    lookup = Lookup(deps.reads, call.account_id, seal)
    character = await lookup.character("character_id", body.character_id) if body.character_id else None
    lookup.check()
    return images.image_request(body, call, seal, character)


async def audio_order(body: AudioBody, call: Call, seal: AccountSeal, _: Deps) -> AudioRequested:
    """Speech or music."""
    return images.audio_request(body, call, seal)


async def storyboard_order(body: StoryboardBody, call: Call, seal: AccountSeal, deps: Deps) -> StoryboardRequested:
    """A storyboard. Raises `ApiError` 400 for characters that are not the caller's or not ready."""
    lookup = Lookup(deps.reads, call.account_id, seal)
    characters = await lookup.characters("characters", body.characters)
    lookup.check()
    longest = await deps.reads.max_duration(call.account_id)
    return videos.storyboard_request(body, call, seal, characters, longest)


async def verification_order(
    character_id: str, photo_key: str, call: Call, seal: AccountSeal, deps: Deps
) -> VerificationRequested:
    """A comparison. Raises `ApiError` 400 for a character that is not the caller's, not ready or without a vector."""
    lookup = Lookup(deps.reads, call.account_id, seal)
    character = await lookup.character("character_id", character_id)
    lookup.check()
    if character is None or character.face is None:
        raise invalid(BadField("character_id", "character_face"))
    return verification_request(call, seal, character_id=character_id, face=character.face, photo_key=photo_key)


async def video_order(body: VideoBody, call: Call, seal: AccountSeal, deps: Deps) -> VideoRequested:
    """A film. Raises `ApiError` 400 for characters, assets or a storyboard that are not the caller's or not ready, and for
    an upscaled film that could not be larger.
    """
    lookup = Lookup(deps.reads, call.account_id, seal)
    characters = await lookup.characters("characters", body.characters)
    shots, title = videos.shots_of(body.scenes or []), ""
    image_keys: dict[str, str] = {}
    if body.scenes is not None:
        characters |= await lookup.scene_characters(body.scenes)
        image_keys = await lookup.scene_pictures(body.scenes, [shot.id for shot in shots])
    if body.storyboard_id is not None and (draft := await lookup.storyboard(body.storyboard_id)) is not None:
        characters |= await lookup.characters("storyboard_id", videos.cast_ids(draft), indexed=False)
        shots, title = videos.cast(draft, characters), draft.title
    lookup.check()
    language = videos.language_of(body, shots, body.script or "")
    options = videos.film_options(
        body,
        call,
        language,
        characters=characters,
        image_keys=image_keys,
        title=title,
        film_size=await _film_size(body, call, deps),
    )
    if body.script is None:
        return videos.film_request(body, call, seal, shots, options)
    longest = await deps.reads.max_duration(call.account_id)
    return videos.script_film_request(body, call, seal, options, script=body.script, max_duration_s=longest)


async def _film_size(body: VideoBody, call: Call, deps: Deps) -> tuple[int, int] | None:
    """What the film is enlarged to, None if it is not. Raises `ApiError` 400 where the account may have nothing larger."""
    if not body.video_config.upscale:
        return None
    limits = await deps.reads.limits(call.account_id) or Limits()
    width, height = body.video_config.size
    if (size := enlarged(width, height, limits)) is None:
        most = f"{limits.max_width}x{limits.max_height}"
        raise invalid(
            BadField("video_config.upscale", "nothing_to_gain", {"resolution": f"{width}x{height}", "most": most})
        )
    return size
