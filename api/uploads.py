"""Uploaded pictures: decoded and re-encoded before anything else sees them, a few at a time."""

from __future__ import annotations

import asyncio
import hashlib

from msgspec import Struct

from api.forms import Upload
from api.planning.entities import PNG
from api.rules import BadField
from infra.object_store.port import ObjectStore, StoredObject
from infra.safe_image import UnsafeImageError, decode_safely_async

MAX_UPLOAD = 21 * 1024 * 1024  # bytes of a body with one picture
MAX_MULTIPART = 210 * 1024 * 1024  # with ten of them and a few texts
DECODERS = 2
STORERS = 2


class Picture(Struct, frozen=True, kw_only=True):
    """An upload made safe: its content now is a PNG of `width` x `height` pixels with the hash `sha256`.

    `source_sha256` is of the bytes the client sent, for telling equal requests.
    """

    upload: Upload
    width: int
    height: int
    sha256: str
    source_sha256: str
    filename: str


class Pictures:
    """Decodes and stores uploads, a few at a time however many clients send them: only those lie in memory whole."""

    def __init__(self, decoders: int = DECODERS, storers: int = STORERS) -> None:
        self._decoding, self._storing = asyncio.Semaphore(decoders), asyncio.Semaphore(storers)

    async def decode(self, upload: Upload) -> Picture | BadField:
        """The picture in an upload, or what is wrong with it."""
        try:
            async with self._decoding:
                data = await asyncio.to_thread(upload.read)
                image = await decode_safely_async(data)
                await asyncio.to_thread(upload.become, image.png)
                source, sha256 = await asyncio.to_thread(_hashes, data, image.png)
        except UnsafeImageError as error:
            return BadField(upload.field, "picture", {"reason": str(error)})
        return Picture(
            upload=upload,
            width=image.width,
            height=image.height,
            sha256=sha256,
            source_sha256=source,
            filename=clean_filename(upload.filename),
        )

    async def store(self, store: ObjectStore, key: str, picture: Picture) -> StoredObject:
        """Put the PNG under its key. Raises what the store raises."""
        async with self._storing:
            return await store.put(key, await asyncio.to_thread(picture.upload.read), PNG)


def _hashes(*contents: bytes) -> list[str]:
    return [hashlib.sha256(content).hexdigest() for content in contents]


def clean_filename(name: str) -> str:
    """The last part of a client's file name, printable and at most 200 characters."""
    base = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in base if letter.isprintable())[:200]
