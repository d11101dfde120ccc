"""POST /characters/{id}/revisions and /verify; GET /characters/{id}/similar."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from api.bodies.users import CharacterBody
from api.character_access import own_character
from api.context import Accepted, UserRequest, accepted, account_seal, open_call, submit
from api.cursor import parse_limit
from api.deps import Injected
from api.errors import invalid
from api.forms import FormRules, form_of
from api.openapi import IDEMPOTENCY, MULTIPART, documented, problems
from api.orders import verification_order
from api.photos import MAX_PHOTOS, form_photos, store_photos, uploads_folder
from api.planning.entities import character_request, revised_keys, verified_key
from api.readiness import insist_on_engine
from api.rules import BadField
from api.signing import signer
from api.uploads import MAX_MULTIPART, MAX_UPLOAD
from api.views.characters import SimilarCharacters, similar_view
from projections.folds.characters import embedding_of

REVISION_FORM = FormRules(files={"photos": MAX_PHOTOS})
VERIFY_FORM = FormRules(files={"photo": 1})


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
    async with form_of(request, uploads_folder(deps), REVISION_FORM) as form:
        pictures, bad = await form_photos(form, deps)
        if row.status != "ready":
            bad.append(BadField("character_id", "own_character" if row.status == "erased" else "character_ready"))
        if bad:
            raise invalid(*bad)
        seal = account_seal(request, deps)
        profile = seal.open(row.sealed, "profile")
        profile.pop("photo_keys", None)
        body = CharacterBody(**profile)
        asked = [row.character_id, [picture.source_sha256 for picture in pictures]]
        call = open_call(request, deps, seal, "characters.revise", asked)
        await insist_on_engine(deps, call, "character_id", body.encoder)
        keys = revised_keys(call.account_id, row.character_id, call.entity_id("revision"), len(pictures))
        await store_photos(deps, keys, pictures)
    record = character_request(body, call, seal, keys, character_id=row.character_id, revises=True)
    return accepted(await submit(request, deps, record), character_id=row.character_id)


@post(
    "/characters/{character_id:str}/verify",
    status_code=202,
    tags=["characters"],
    operation_class=documented("VerifyForm", media_type=MULTIPART, headers=IDEMPOTENCY),
    request_max_body_size=MAX_UPLOAD,
    responses=problems(400, 401, 404, 413, 415, 422, 503),
)
async def verify_character(request: UserRequest, deps: Injected, character_id: FromPath[str]) -> Response[Accepted]:
    """Compare a photo with the character. The task's stage tells `score`, `threshold` and `same_person` in its summary."""
    row = await own_character(request, deps, character_id)
    async with form_of(request, uploads_folder(deps), VERIFY_FORM) as form:
        pictures, bad = await form_photos(form, deps, "photo")
        if bad:
            raise invalid(*bad)
        seal = account_seal(request, deps)
        asked = [row.character_id, pictures[0].source_sha256]
        call = open_call(request, deps, seal, "characters.verify", asked)
        key = verified_key(call.account_id, row.character_id, call.entity_id("verification"))
        record = await verification_order(row.character_id, key, call, seal, deps)
        await insist_on_engine(deps, call, "character_id", record.stages[0].engine)
        await store_photos(deps, [key], pictures)
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
