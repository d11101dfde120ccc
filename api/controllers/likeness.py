"""POST /characters/{id}/revisions and /verify; GET /characters/{id}/similar."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from api.bodies.users import CharacterBody
from api.character_access import own_character
from api.context import Accepted, UserRequest, accepted, account_seal, open_call, submit
from api.controllers.characters import form_photos, store_photos
from api.cursor import parse_limit
from api.deps import Injected
from api.errors import invalid
from api.openapi import IDEMPOTENCY, MULTIPART, documented, problems
from api.orders import verification_order
from api.planning.entities import character_request, revised_keys, verified_key
from api.rules import BadField
from api.signing import signer
from api.uploads import MAX_MULTIPART, read_form, unknown_parts
from api.views.characters import SimilarCharacters, similar_view
from projections.folds.characters import embedding_of


@post(
    "/characters/{character_id:str}/revisions",
    status_code=202,
    tags=["characters"],
    operation_class=documented("RevisionForm", media_type=MULTIPART, headers=IDEMPOTENCY),
    request_max_body_size=MAX_MULTIPART,
    responses=problems(400, 401, 404, 413, 415, 422, 503),
)
async def revise_character(request: UserRequest, deps: Injected, character_id: FromPath[str]) -> Response[Accepted]:
    """Make the next revision of a ready character from other photos; until it is ready the last one stays in use."""
    row = await own_character(request, deps, character_id)
    form = await read_form(request)
    pictures, bad = await form_photos(form, deps)
    bad = [*unknown_parts(form, ("photos",)), *bad]
    if row.status != "ready":
        bad.append(BadField("character_id", "own_character" if row.status == "erased" else "character_ready"))
    if bad:
        raise invalid(*bad)
    seal = account_seal(request, deps)
    asked = [row.character_id, [picture.source_sha256 for picture in pictures]]
    call = open_call(request, deps, seal, "characters.revise", asked)
    keys = revised_keys(call.account_id, row.character_id, call.entity_id("revision"), len(pictures))
    await store_photos(deps, dict(zip(keys, [picture.image for picture in pictures], strict=True)))
    profile = seal.open(row.sealed, "profile")
    profile.pop("photo_keys", None)
    record = character_request(CharacterBody(**profile), call, seal, keys, character_id=row.character_id, revises=True)
    return accepted(await submit(request, deps, record), character_id=row.character_id)


@post(
    "/characters/{character_id:str}/verify",
    status_code=202,
    tags=["characters"],
    operation_class=documented("VerifyForm", media_type=MULTIPART, headers=IDEMPOTENCY),
    request_max_body_size=MAX_MULTIPART,
    responses=problems(400, 401, 404, 413, 415, 422, 503),
)
async def verify_character(request: UserRequest, deps: Injected, character_id: FromPath[str]) -> Response[Accepted]:
    """Compare a photo with the character. The task's stage tells `score`, `threshold` and `same_person` in its summary."""
    row = await own_character(request, deps, character_id)
    form = await read_form(request)
    bad = unknown_parts(form, ("photo",))
    parts = form.getall("photo", [])
    if len(parts) != 1:
        bad.append(BadField("photo", "required") if not parts else BadField("photo", "max_items", {"limit": 1}))
    found = await deps.pictures.decode("photo", parts[0]) if len(parts) == 1 else None
    if isinstance(found, BadField):
        bad.append(found)
    if bad or found is None or isinstance(found, BadField):
        raise invalid(*bad)
    seal = account_seal(request, deps)
    call = open_call(request, deps, seal, "characters.verify", [row.character_id, found.source_sha256])
    key = verified_key(call.account_id, row.character_id, call.entity_id("verification"))
    record = await verification_order(row.character_id, key, call, seal, deps)
    await store_photos(deps, {key: found.image})
    return accepted(await submit(request, deps, record), character_id=row.character_id)


@get("/characters/{character_id:str}/similar", tags=["characters"], responses=problems(400, 401, 404, 503))
async def similar_characters(
    request: UserRequest, deps: Injected, character_id: FromPath[str], limit: FromQuery[str | None] = None
) -> SimilarCharacters:
    """The caller's other characters by how like they are, of the same encoder only."""
    size = parse_limit(limit)
    row, seal = await own_character(request, deps, character_id), account_seal(request, deps)
    found = embedding_of(seal.open(row.sealed_result, "result"))
    if found is None:
        raise invalid(BadField("character_id", "character_face"))
    near = await deps.reads.similar_characters(row.account_id, found.encoder, found.vector, size + 1)
    others = [(other, score) for other, score in near if other.character_id != row.character_id][:size]
    sign = signer(deps.store)
    items = [await similar_view(other, score, seal, sign) for other, score in others]
    return SimilarCharacters(character_id=row.character_id, encoder=found.encoder, items=items)
