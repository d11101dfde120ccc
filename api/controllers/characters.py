"""POST /characters from photos; GET one and the list; GET /storyboards/{id}."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Struct
from pydantic_core import from_json, to_json

from api.bodies.check import check_fields, unique
from api.bodies.users import CharacterBody
from api.character_access import own_character
from api.context import Accepted, accepted, account_seal, check_id, open_call, submit
from api.cursor import decode_cursor, encode_cursor, parse_limit
from api.deps import Deps, Injected
from api.errors import ApiError, invalid
from api.forms import Form, FormRules, form_of
from api.openapi import IDEMPOTENCY, MULTIPART, documented, problems
from api.photos import MAX_PHOTOS, form_photos, store_photos, uploads_folder
from api.planning.entities import EMBEDDING_STAGE, character_request, photo_keys
from api.readiness import insist_on_engine
from api.rules import BadField
from api.signing import signer
from api.trace import language_of
from api.uploads import MAX_MULTIPART
from api.views.characters import CharacterDetail, character_detail
from api.views.entities import CharacterView, StoryboardView, character_view, storyboard_view
from infra.keystore import Principal

UserRequest = Request[Principal, Any, Any]
CHARACTER_FORM = FormRules(files={"photos": MAX_PHOTOS}, texts=("name", "description", "metadata", "encoder"))
SHOWN_SHOTS = 50
MAX_METADATA = 10_000  # characters of JSON
CUT = 10_000  # characters, beyond every limit of a text; the rest is not looked at


class CharacterPage(Struct, frozen=True):
    """Newest first; `next_cursor` is null on the last page."""

    items: list[CharacterView]
    next_cursor: str | None


@post(
    "/characters",
    status_code=202,
    tags=["characters"],
    operation_class=documented("CharacterForm", media_type=MULTIPART, headers=IDEMPOTENCY),
    request_max_body_size=MAX_MULTIPART,
    responses=problems(400, 401, 413, 415, 422, 503),
)
async def submit_character(request: UserRequest, deps: Injected) -> Response[Accepted]:
    """Make a character from 1-10 photos; its task computes portrait and embedding."""
    async with form_of(request, uploads_folder(deps), CHARACTER_FORM) as form:
        body, bad = _fields(form, deps)
        pictures, bad_photos = await form_photos(form, deps)
        if body is None or bad or bad_photos:
            raise invalid(*unique([*bad, *bad_photos]))
        seal = account_seal(request, deps)
        given = body.model_dump(mode="json", exclude_defaults=False)
        if given["encoder"] == CharacterBody.model_fields["encoder"].default:
            del given["encoder"]  # came later: a replay of an earlier call is still told
        asked = [given, [picture.source_sha256 for picture in pictures]]
        call = open_call(request, deps, seal, "characters.submit", asked)
        await insist_on_engine(deps, call, "encoder", body.encoder)
        keys = photo_keys(call.account_id, call.entity_id("character"), len(pictures))
        await store_photos(deps, keys, pictures)
    record = character_request(body, call, seal, keys)
    return accepted(await submit(request, deps, record), character_id=record.character_id)


@get("/characters", tags=["characters"], responses=problems(400, 401, 503))
async def list_characters(
    request: UserRequest, deps: Injected, cursor: FromQuery[str | None] = None, limit: FromQuery[str | None] = None
) -> CharacterPage:
    """The caller's characters."""
    size = parse_limit(limit)
    rows = await deps.reads.characters(request.user.account_id, decode_cursor(cursor), size + 1)
    page, seal = rows[:size], account_seal(request, deps)
    language, sign = language_of(request.scope), signer(deps.store)
    more = encode_cursor(page[-1].created_at, page[-1].character_id) if len(rows) > size else None
    return CharacterPage([await character_view(row, seal, sign, language) for row in page], more)


@get("/characters/{character_id:str}", tags=["characters"], responses=problems(401, 404, 503))
async def get_character(request: UserRequest, deps: Injected, character_id: FromPath[str]) -> CharacterDetail:
    """One character: its photos and what was found out about them, its revisions, the pictures made of it."""
    row = await own_character(request, deps, character_id)
    shots, results = await deps.reads.character_pictures(row, SHOWN_SHOTS, EMBEDDING_STAGE)
    seal, sign = account_seal(request, deps), signer(deps.store)
    return await character_detail(row, shots, results, seal, sign, language_of(request.scope))


@get("/storyboards/{storyboard_id:str}", tags=["generate"], responses=problems(401, 404, 503))
async def get_storyboard(request: UserRequest, deps: Injected, storyboard_id: FromPath[str]) -> StoryboardView:
    """The shots of a storyboard; it exists once its task completed."""
    row = await deps.reads.storyboard(request.user.account_id, check_id(storyboard_id))
    if row is None:
        raise ApiError("not_found")
    return storyboard_view(row, account_seal(request, deps))


def _fields(form: Form, deps: Deps) -> tuple[CharacterBody | None, list[BadField]]:
    """The text parts as one checked body."""
    bad = list(form.bad)
    data: dict[str, Any] = {name: text[:CUT] for name, text in form.texts.items() if name != "metadata"}
    if "metadata" in form.texts:
        metadata = _metadata(form.texts["metadata"])
        if isinstance(metadata, BadField):
            bad.append(metadata)
        else:
            data["metadata"] = metadata
    body, more = check_fields(CharacterBody, to_json(data), data, deps.now())
    return body, unique([*bad, *more])


def _metadata(text: str) -> dict[str, Any] | BadField:
    if len(text) > MAX_METADATA:
        return BadField("metadata", "max_length", {"limit": MAX_METADATA})
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError:
        return BadField("metadata", "json_object")
    return value if isinstance(value, dict) else BadField("metadata", "json_object")
