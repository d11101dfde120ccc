"""Objects in a bucket of an S3 server (AWS, MinIO, S3Proxy, OSS and others that speak its API)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from minio import Minio
from minio.error import S3Error

from infra.object_store import s3_transfer
from infra.object_store.keys import check_content_type, check_expiry, check_key, check_prefix, check_range
from infra.object_store.port import CHUNK_BYTES, DEFAULT_MAX_BYTES, NewObject, StoredObject
from infra.object_store.s3_calls import call, call_once
from infra.object_store.s3_client import bucket_of, new_client
from infra.object_store.several import put_each
from infra.object_store.urls import content_disposition
from infra.settings import Settings
from schemas.errors import ObjectMissingError

_PAGE = 64  # objects of a listing whose metadata is asked for at the same time


class S3ObjectStore:
    """See `ObjectStore`. `settings.object_store` is "s3://BUCKET"; the bucket is created on first use if missing.

    Raises `ConfigurationError` at once if a setting cannot work. A listing costs one HEAD per object on top, since S3
    lists no metadata. `now` is Unix time in seconds; signing and ages go by it.
    """

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._bucket = bucket_of(settings)
        self._client = new_client(settings)
        self._opening = asyncio.Lock()
        self._open = False

    async def put(self, key: str, data: bytes | Path, content_type: str) -> StoredObject:
        check_key(key)
        content_type = check_content_type(content_type)
        client = await self._ready()
        return await call(f"put {key}", s3_transfer.upload, client, self._bucket, key, data, content_type)

    async def put_all(self, files: Sequence[NewObject]) -> Sequence[StoredObject]:
        return await put_each(self, files)

    async def get(self, key: str, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        check_key(key)
        client = await self._ready()
        return await call(f"get {key}", s3_transfer.read, client, self._bucket, key, max_bytes)

    async def get_to_file(self, key: str, path: Path) -> StoredObject:
        check_key(key)
        client = await self._ready()
        return await call(f"get {key}", s3_transfer.download, client, self._bucket, key, path)

    async def open_range(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        check_key(key)
        check_range(start, end)
        client = await self._ready()
        length = await call(f"stat {key}", s3_transfer.clamp, client, self._bucket, key, start, end)
        if length == 0:
            return
        response = await call(f"read {key}", client.get_object, self._bucket, key, start, length)
        try:
            left = length
            while left > 0:
                size = min(CHUNK_BYTES, left)
                chunk = await call_once(f"read {key}", s3_transfer.read_exactly, response, size)
                left -= len(chunk)
                yield chunk
        finally:
            response.close()
            response.release_conn()

    async def stat(self, key: str) -> StoredObject | None:
        check_key(key)
        client = await self._ready()
        try:
            return await call(f"stat {key}", s3_transfer.head, client, self._bucket, key)
        except ObjectMissingError:
            return None

    async def delete(self, key: str) -> None:
        check_key(key)
        client = await self._ready()
        try:
            await call(f"delete {key}", client.remove_object, self._bucket, key)
        except ObjectMissingError:
            return

    async def list(self, prefix: str = "", *, older_than_s: float | None = None) -> AsyncIterator[StoredObject]:
        check_prefix(prefix)
        client = await self._ready()
        latest = None if older_than_s is None else self._date() - timedelta(seconds=older_than_s)
        after = ""
        while True:
            page, after = await call(
                f"list {prefix}",
                s3_transfer.list_page,
                client,
                self._bucket,
                prefix=prefix,
                after=after,
                limit=_PAGE,
                latest=latest,
            )
            for found in await asyncio.gather(*(self._head(client, key) for key in page)):
                if found is not None:
                    yield found
            if not after:
                return

    async def signed_url(
        self, key: str, expires_s: int, filename: str | None = None, content_type: str | None = None
    ) -> str:
        check_key(key)
        life = timedelta(seconds=check_expiry(expires_s))
        headers: dict[str, str | list[str] | tuple[str]] = {}
        if filename is not None:
            headers["response-content-disposition"] = content_disposition(filename)
        if content_type is not None:
            headers["response-content-type"] = check_content_type(content_type)
        client = await self._ready()
        sign = partial(client.presigned_get_object, response_headers=headers, request_date=self._date())
        return await call(f"sign {key}", sign, self._bucket, key, life)

    def _date(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)

    async def _head(self, client: Minio, key: str) -> StoredObject | None:
        try:
            return await call(f"stat {key}", s3_transfer.head, client, self._bucket, key)
        except ObjectMissingError:
            return None

    async def _ready(self) -> Minio:
        if not self._open:
            async with self._opening:
                if not self._open:
                    await call(f"bucket {self._bucket}", self._create_bucket)
                    self._open = True
        return self._client

    def _create_bucket(self) -> None:
        if self._client.bucket_exists(self._bucket):
            return
        try:
            self._client.make_bucket(self._bucket)
        except S3Error as error:
            if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise
