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
from api.openapi import IDEMPOTENCY, documented, problems
from api.orders import audio_order, image_order, storyboard_order, video_order
from api.webhooks.registering import check_webhook_url
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
    await check_webhook_url(deps.settings, "callback_url", body.callback_url)
    seal = account_seal(request, deps)
    call = open_call(request, deps, seal, "images.generate", body.asked())
    return accepted(await submit(request, deps, await image_order(body, call, seal, deps)))


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
    await check_webhook_url(deps.settings, "callback_url", body.callback_url)
    seal = account_seal(request, deps)
    call = open_call(request, deps, seal, "audio.generate", body.asked())
    return accepted(await submit(request, deps, await audio_order(body, call, seal, deps)))


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
    await check_webhook_url(deps.settings, "callback_url", body.callback_url)
    seal = account_seal(request, deps)
    call = open_call(request, deps, seal, "scripts.storyboard", body.asked())
    record = await storyboard_order(body, call, seal, deps)
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
    await check_webhook_url(deps.settings, "callback_url", body.callback_url)
    seal = account_seal(request, deps)
    call = open_call(request, deps, seal, "videos.generate", body.asked())
    return accepted(await submit(request, deps, await video_order(body, call, seal, deps)))
