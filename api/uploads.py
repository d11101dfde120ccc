"""Multipart bodies: bounded files that are decoded and re-encoded before anything else sees them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from litestar import Request
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.exceptions import HTTPException
from msgspec import Struct

from api.errors import ApiError
from api.rules import BadField
from infra.safe_image import MAX_BYTES, SafeImage, UnsafeImageError, decode_safely_async

MULTIPART = "multipart/form-data"
MAX_MULTIPART = 210 * 1024 * 1024
DECODERS = 2


class Picture(Struct, frozen=True, kw_only=True):
    """An upload made safe. `source_sha256` is of the bytes the client sent, for telling equal requests."""

    image: SafeImage
    source_sha256: str
    filename: str


class Pictures:
    """Decodes uploads, a few at a time however many clients send them."""

    def __init__(self, at_once: int = DECODERS) -> None:
        self._turns = asyncio.Semaphore(at_once)

    async def decode(self, field: str, part: object) -> Picture | BadField:
        """The picture in a form part, or what is wrong with it."""
        if not isinstance(part, UploadFile):
            return BadField(field, "file")
        data = await part.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            return BadField(field, "max_bytes", {"limit": MAX_BYTES})
        try:
            async with self._turns:
                image = await decode_safely_async(data)
        except UnsafeImageError as error:
            return BadField(field, "picture", {"reason": str(error)})
        name = part.filename or ""
        return Picture(image=image, source_sha256=hashlib.sha256(data).hexdigest(), filename=clean_filename(name))


async def read_form(request: Request[Any, Any, Any]) -> FormMultiDict:
    """The parts of a multipart body. Raises `ApiError` for another content type (415) or broken framing (400)."""
    if request.content_type[0] != MULTIPART:
        raise ApiError("unsupported_media_type", f"the body must be {MULTIPART}")
    try:
        return await request.form()
    except HTTPException as error:
        if error.status_code == 413:
            raise
        raise ApiError("malformed_body", f"the body is not valid {MULTIPART}: {error.detail}") from error
    except (ValueError, LookupError) as error:
        raise ApiError("malformed_body", f"the body is not valid {MULTIPART}: {error}") from error


def unknown_parts(form: FormMultiDict, known: Sequence[str]) -> list[BadField]:
    """Parts nobody asked for."""
    return [BadField(name, "unknown_field") for name in dict.fromkeys(form.keys()) if name not in known]


def clean_filename(name: str) -> str:
    """The last part of a client's file name, printable and at most 200 characters."""
    base = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in base if letter.isprintable())[:200]
