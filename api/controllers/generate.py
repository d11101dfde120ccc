"""POST /images/generate, /videos/generate, /audio/generate, /scripts/storyboard."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post

from api.bodies.audio import AudioBody
from api.bodies.images import ImageBody
from api.bodies.scripts import StoryboardBody
from api.bodies.videos import VideoBody
from api.context import MAX_JSON, Accepted, accepted, account_seal, open_call, read_body, submit
from api.deps import Injected
from api.lookup import Lookup
from api.openapi import IDEMPOTENCY, documented, problems
from api.planning import images, videos
from infra.keystore import Principal

UserRequest = Request[Principal, Any, Any]
REFUSALS = problems(400, 401, 413, 415, 422, 503)


@post(
    "/images/generate",
    status_code=202,
    tags=["generate"],
    operation_class=documented("ImageBody", headers=IDEMPOTENCY),
    request_max_body_size=MAX_JSON,
    responses=REFUSALS,
)
async def generate_images(request: UserRequest, deps: Injected) -> Response[Accepted]:
    """Ask for 1-8 pictures of one prompt."""
    body = await read_body(request, deps, ImageBody)
    seal = account_seal(request, deps)
    lookup = Lookup(deps.reads, request.user.account_id, seal)
    character = await lookup.character("character_id", body.character_id) if body.character_id else None
    lookup.check()
    call = open_call(request, deps, seal, "images.generate", body.model_dump(mode="json"))
    return accepted(await submit(request, deps, images.image_request(body, call, seal, character)))


@post(
    "/audio/generate",
    status_code=202,
    tags=["generate"],
    operation_class=documented("AudioBody", headers=IDEMPOTENCY),
    request_max_body_size=MAX_JSON,
    responses=REFUSALS,
)
async def generate_audio(request: UserRequest, deps: Injected) -> Response[Accepted]:
    """Ask for speech from a text, or for a music bed or sound scene of a mood."""
    body = await read_body(request, deps, AudioBody)
    seal = account_seal(request, deps)
    call = open_call(request, deps, seal, "audio.generate", body.model_dump(mode="json"))
    return accepted(await submit(request, deps, images.audio_request(body, call, seal)))


@post(
    "/scripts/storyboard",
    status_code=202,
    tags=["generate"],
    operation_class=documented("StoryboardBody", headers=IDEMPOTENCY),
    request_max_body_size=MAX_JSON,
    responses=REFUSALS,
)
async def generate_storyboard(request: UserRequest, deps: Injected) -> Response[Accepted]:
    """Ask for a storyboard of a script, plain prose or Fountain."""
    body = await read_body(request, deps, StoryboardBody)
    seal = account_seal(request, deps)
    lookup = Lookup(deps.reads, request.user.account_id, seal)
    characters = await lookup.characters("characters", body.characters)
    lookup.check()
    call = open_call(request, deps, seal, "scripts.storyboard", body.model_dump(mode="json"))
    longest = await deps.reads.max_duration(call.account_id)
    record = videos.storyboard_request(body, call, seal, characters, longest)
    return accepted(await submit(request, deps, record), storyboard_id=record.storyboard_id)


@post(
    "/videos/generate",
    status_code=202,
    tags=["generate"],
    operation_class=documented("VideoBody", headers=IDEMPOTENCY),
    request_max_body_size=MAX_JSON,
    responses=REFUSALS,
)
async def generate_video(request: UserRequest, deps: Injected) -> Response[Accepted]:
    """Ask for a film from scenes, from a script or from a finished storyboard."""
    body = await read_body(request, deps, VideoBody)
    seal = account_seal(request, deps)
    lookup = Lookup(deps.reads, request.user.account_id, seal)
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
    call = open_call(request, deps, seal, "videos.generate", body.model_dump(mode="json"))
    language = videos.language_of(body, shots, body.script or "")
    options = videos.film_options(body, call, language, characters=characters, image_keys=image_keys, title=title)
    if body.script is None:
        record = videos.film_request(body, call, seal, shots, options)
    else:
        longest = await deps.reads.max_duration(call.account_id)
        record = videos.script_film_request(body, call, seal, options, script=body.script, max_duration_s=longest)
    return accepted(await submit(request, deps, record))
