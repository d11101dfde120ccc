"""Blocking single steps against an S3 bucket; each may be repeated as a whole."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import urllib3
from minio import Minio
from urllib3.response import BaseHTTPResponse

from infra.object_store.files import check_hash, new_beside
from infra.object_store.keys import normal_content_type
from infra.object_store.port import CHUNK_BYTES, StoredObject
from schemas.errors import ContractError

_SHA256 = "x-amz-meta-sha256"
_PART_BYTES = 16 * 1024 * 1024


def upload(client: Minio, bucket: str, key: str, data: bytes | Path, content_type: str) -> StoredObject:
    """Store bytes or a file (in parts of 16 MiB, three at a time) with its sha256 as user metadata."""
    if isinstance(data, Path) and not data.is_file():
        raise ContractError(f"object data: {data} is not a file")
    with io.BytesIO(data) if isinstance(data, bytes) else data.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        size = source.seek(0, io.SEEK_END)
        source.seek(0)
        client.put_object(
            bucket, key, source, size, content_type=content_type, metadata={"sha256": digest}, part_size=_PART_BYTES
        )
    return StoredObject(key=key, sha256=digest, size=size, content_type=content_type)


def head(client: Minio, bucket: str, key: str) -> StoredObject:
    """The object's metadata."""
    found = client.stat_object(bucket, key)
    headers = found.metadata or {}
    return StoredObject(
        key=key,
        sha256=headers.get(_SHA256, ""),
        size=found.size or 0,
        content_type=normal_content_type(found.content_type or "application/octet-stream"),
    )


def read(client: Minio, bucket: str, key: str, max_bytes: int) -> bytes:
    """The checked content, `ContractError` before anything is read if it is larger than `max_bytes`."""
    with _opened(client, bucket, key) as response:
        found = _described(key, response)
        if found.size > max_bytes:
            raise ContractError(f"object {key}: {found.size} bytes, at most {max_bytes} were asked for")
        data = read_exactly(response, found.size)
    if found.sha256:
        check_hash(key, found.sha256, hashlib.sha256(data).hexdigest())
    return data


def download(client: Minio, bucket: str, key: str, path: Path) -> StoredObject:
    """Write the checked content to `path`."""
    digest = hashlib.sha256()
    with _opened(client, bucket, key) as response, new_beside(path) as target:
        found = _described(key, response)
        for chunk in response.stream(CHUNK_BYTES):
            digest.update(chunk)
            target.write(chunk)
        if found.sha256:
            check_hash(key, found.sha256, digest.hexdigest())
    return found


def clamp(client: Minio, bucket: str, key: str, start: int, end: int | None) -> int:
    """How many bytes of the object lie in the range; `ContractError` if it starts beyond the end."""
    size = head(client, bucket, key).size
    if start > size:
        raise ContractError(f"range of {key}: starts at {start}, the object has {size} bytes")
    return min(size, size if end is None else end) - start


def read_exactly(response: BaseHTTPResponse, size: int) -> bytes:
    """The next `size` bytes; a connection that ends before raises urllib3's `HTTPError`."""
    data = response.read(size)
    if len(data) != size:
        raise urllib3.exceptions.ProtocolError(f"connection ended {size - len(data)} bytes early")
    return data


def list_page(
    client: Minio, bucket: str, *, prefix: str, after: str, limit: int, latest: datetime | None
) -> tuple[list[str], str]:
    """Up to `limit` keys after the key `after`, and the last key seen ("" at the end).

    Only keys last written at `latest` or before, if given.
    """
    keys, last = [], ""
    for entry in client.list_objects(bucket, prefix=prefix or None, recursive=True, start_after=after or None):
        last = entry.object_name or ""
        if latest is None or (entry.last_modified is not None and entry.last_modified <= latest):
            keys.append(last)
        if len(keys) == limit:
            return keys, last
    return keys, ""


@contextmanager
def _opened(client: Minio, bucket: str, key: str) -> Iterator[BaseHTTPResponse]:
    response = client.get_object(bucket, key)
    try:
        yield response
    finally:
        response.close()
        response.release_conn()


def _described(key: str, response: BaseHTTPResponse) -> StoredObject:
    headers = response.headers
    return StoredObject(
        key=key,
        sha256=headers.get(_SHA256, ""),
        size=int(headers.get("content-length", "0")),
        content_type=normal_content_type(headers.get("content-type", "application/octet-stream")),
    )
