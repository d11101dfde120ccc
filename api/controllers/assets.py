"""POST /assets, GET /assets/{id}, and /objects/{key}: the signed URLs of the local store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from litestar import HttpMethod, Request, Response, get, post, route
from litestar.params import FromPath
from litestar.response import Stream

from api.context import account_seal, check_id, open_call, submit
from api.deps import Injected
from api.errors import ApiError, invalid
from api.forms import FormRules, form_of
from api.openapi import IDEMPOTENCY, MULTIPART, documented, problems
from api.photos import form_photos, uploads_folder
from api.planning.entities import PNG, asset_key, asset_request
from api.ranges import parse_range
from api.signing import URL_SECONDS, signer
from api.uploads import MAX_UPLOAD
from api.views.entities import AssetView, asset_view
from infra.keystore import Principal
from infra.object_store.local import LocalObjectStore
from infra.object_store.urls import content_disposition
from schemas.errors import ContractError

UserRequest = Request[Principal, Any, Any]
ASSET_FORM = FormRules(files={"file": 1})
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "private, max-age=300",
    "Accept-Ranges": "bytes",
}


@post(
    "/assets",
    status_code=201,
    tags=["assets"],
    operation_class=documented("AssetForm", media_type=MULTIPART, headers=IDEMPOTENCY),
    request_max_body_size=MAX_UPLOAD,
    responses=problems(400, 401, 413, 415, 422, 503),
)
async def upload_asset(request: UserRequest, deps: Injected) -> AssetView:
    """Upload one picture; it is decoded and re-encoded, so nothing but its pixels is kept."""
    async with form_of(request, uploads_folder(deps), ASSET_FORM) as form:
        pictures, bad = await form_photos(form, deps, "file")
        if bad:
            raise invalid(*bad)
        picture = pictures[0]
        seal = account_seal(request, deps)
        call = open_call(request, deps, seal, "assets.upload", [picture.filename, picture.source_sha256])
        key = asset_key(call.account_id, call.task_id, picture.sha256)
        stored = await deps.pictures.store(deps.store, key, picture)
    record = asset_request(
        call,
        seal,
        key=key,
        filename=picture.filename,
        sha256=stored.sha256,
        size=stored.size,
        width=picture.width,
        height=picture.height,
    )
    decision = await submit(request, deps, record)
    return AssetView(
        asset_id=decision.task_id,
        key=key,
        filename=picture.filename,
        content_type=PNG,
        size=stored.size,
        sha256=stored.sha256,
        width=picture.width,
        height=picture.height,
        url=await signer(deps.store)(key),
        url_expires_at=deps.now() + timedelta(seconds=URL_SECONDS),
    )


@get("/assets/{asset_id:str}", tags=["assets"], responses=problems(401, 404, 503))
async def get_asset(request: UserRequest, deps: Injected, asset_id: FromPath[str]) -> Response[AssetView]:
    """A description with a signed URL for clients that accept JSON, else a redirect (307) to the picture."""
    row = await deps.reads.asset(request.user.account_id, check_id(asset_id))
    if row is None:
        raise ApiError("not_found")
    expires = deps.now() + timedelta(seconds=URL_SECONDS)
    view = await asset_view(row, account_seal(request, deps), signer(deps.store), expires)
    wants_json = "application/json" in request.headers.get("accept", "")
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    return Response(
        view, status_code=200 if wants_json else 307, headers=headers | ({} if wants_json else {"Location": view.url})
    )


@route("/objects/{key:path}", http_method=[HttpMethod.GET, HttpMethod.HEAD], include_in_schema=False, status_code=200)
async def get_object(request: Request[Any, Any, Any], deps: Injected, key: FromPath[str]) -> Response[Any]:
    """A file of the local store for the bearer of its signed URL; whole, one range, or nothing new (304)."""
    store, name = deps.store, str(key).lstrip("/")
    if not isinstance(store, LocalObjectStore):
        raise ApiError("not_found")
    parameters = {field: values[-1] for field, values in request.query_params.dict().items()}
    try:
        genuine = store.verify(name, parameters, deps.now().timestamp())
        found = await store.stat(name) if genuine else None
    except ContractError as error:
        raise ApiError("not_found") from error
    if not genuine:
        raise ApiError("bad_signature")
    if found is None:
        raise ApiError("not_found")
    tag = f'"{found.sha256}"'
    headers = {**SAFE_HEADERS, "ETag": tag, "Content-Disposition": _disposition(parameters.get("filename"), name)}
    media_type = parameters.get("content_type") or found.content_type
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers, media_type=media_type)
    wanted = request.headers.get("range") if request.headers.get("if-range", tag) == tag else None
    part = parse_range(wanted, found.size)
    start, end = part or (0, found.size)
    headers["Content-Length"] = str(end - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
    status = 200 if part is None else 206
    body = _nothing() if request.method == "HEAD" else store.open_range(name, start, end)
    return Stream(body, status_code=status, headers=headers, media_type=media_type)


def _disposition(filename: str | None, key: FromPath[str]) -> str:
    """Saved under the name in the signed URL, else shown in place."""
    if filename is not None:
        return content_disposition(filename)
    return f'inline; filename="{PurePosixPath(key).name}"'


async def _nothing() -> AsyncIterator[bytes]:
    no_chunks: tuple[bytes, ...] = ()
    for chunk in no_chunks:
        yield chunk
