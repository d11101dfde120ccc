"""Objects as files below one folder: the store of a single host, with signed URLs that the API serves."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import ParamSpec, TypeVar

from infra.gathering import Gathered
from infra.object_store import local_files
from infra.object_store.files import check_hash, new_beside
from infra.object_store.keys import check_content_type, check_expiry, check_key, check_prefix, check_range
from infra.object_store.local_sweep import sweep
from infra.object_store.local_writes import Stored, copy, write_groups
from infra.object_store.port import CHUNK_BYTES, DEFAULT_MAX_BYTES, NewObject, StoredObject
from infra.object_store.several import as_written
from infra.object_store.urls import UrlSigner
from schemas.errors import ContractError, StoreError

_PAGE = 200
SMALL = 4 * 1024 * 1024  # bytes; what is larger is written beside the others, so that they need not wait for it
TOGETHER = 16  # groups of files
P = ParamSpec("P")
T = TypeVar("T")


class _Order:
    """Files that somebody wants stored as a whole, and read back where `verify` says so."""

    def __init__(self, files: Sequence[NewObject], verify: bool) -> None:
        self.files, self.verify = files, verify


class LocalObjectStore:
    """See `ObjectStore`. Several processes may share `root`; nothing below it is reached through a symbolic link.

    `signing_key` (32 bytes or more) is common to the API processes; `now` is Unix time in seconds.
    """

    def __init__(self, root: Path, base_url: str, signing_key: bytes, now: Callable[[], float] = time.time) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o750)
        self._root = root
        self._signer = UrlSigner(base_url, signing_key)
        self._now = now
        self._small = Gathered(self._write_small, limit=TOGETHER)

    async def put(self, key: str, data: bytes | Path, content_type: str) -> StoredObject:
        (stored,) = await self._write([NewObject(key, data, content_type)], verify=False)
        return stored

    async def put_all(self, files: Sequence[NewObject]) -> Sequence[StoredObject]:
        return await self._write(files, verify=True)

    async def get(self, key: str, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        return await _blocking(self._get, check_key(key), max_bytes)

    async def get_to_file(self, key: str, path: Path) -> StoredObject:
        return await _blocking(self._get_to_file, check_key(key), path)

    async def open_range(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        check_range(start, end)
        meta, file = await _blocking(local_files.open_object, self._root, check_key(key))
        with file:
            if start > meta.size:
                raise ContractError(f"range of {key}: starts at {start}, the object has {meta.size} bytes")
            left = min(meta.size, meta.size if end is None else end) - start
            await _blocking(file.seek, start)
            while left > 0:
                chunk = await _blocking(file.read, min(CHUNK_BYTES, left))
                if not chunk:
                    raise StoreError(f"object {key}: shorter than the recorded {meta.size} bytes")
                left -= len(chunk)
                yield chunk

    async def stat(self, key: str) -> StoredObject | None:
        return await _blocking(local_files.stat_object, self._root, check_key(key))

    async def delete(self, key: str) -> None:
        await _blocking(local_files.delete_object, self._root, check_key(key))

    async def list(self, prefix: str = "", *, older_than_s: float | None = None) -> AsyncIterator[StoredObject]:
        latest = float("inf") if older_than_s is None else self._now() - older_than_s
        found = local_files.walk(self._root, check_prefix(prefix))
        while page := await _blocking(lambda: [*islice(found, _PAGE)]):
            for key, meta in page:
                if meta.written <= latest:
                    yield meta.describe(key)

    async def signed_url(
        self, key: str, expires_s: int, filename: str | None = None, content_type: str | None = None
    ) -> str:
        expires = int(self._now()) + check_expiry(expires_s)
        return self._signer.sign(check_key(key), expires, filename, content_type)

    def verify(self, key: str, parameters: Mapping[str, str], now: float) -> bool:
        """Whether the decoded query parameters of a GET of `/objects/{key}` come from `signed_url` and still hold."""
        return self._signer.verify(key, parameters, now)

    async def sweep(self, grace_s: float) -> int:
        """Remove files a crash left behind that are older than `grace_s` by the file system's clock; how many went."""
        return await _blocking(sweep, self._root, time.time() - grace_s)

    async def _write(self, files: Sequence[NewObject], *, verify: bool) -> Sequence[StoredObject]:
        """Small files that are stored at about the same time are written together, by one thread."""
        checked = [NewObject(check_key(f.key), f.data, check_content_type(f.content_type)) for f in files]
        order = _Order(checked, verify)
        result: Stored | Exception | None
        if sum(map(_size, checked)) > SMALL:
            (result,) = await _blocking(self._write_orders, [order])
        else:
            result = await self._small.get(order)
        assert result is not None  # every order has a result
        if isinstance(result, OSError):
            raise StoreError(f"object store: {result}") from result
        if isinstance(result, Exception):
            raise result
        return result

    async def _write_small(self, orders: Sequence[_Order]) -> Mapping[_Order, Stored | Exception]:
        return dict(zip(orders, await _blocking(self._write_orders, orders), strict=True))

    def _write_orders(self, orders: Sequence[_Order]) -> Sequence[Stored | Exception]:
        results = write_groups(self._root, [order.files for order in orders], self._now)
        return [
            self._verified(result) if order.verify else result for order, result in zip(orders, results, strict=True)
        ]

    def _verified(self, result: Stored | Exception) -> Stored | Exception:
        if isinstance(result, Exception):
            return result
        try:
            return [as_written(one, local_files.stat_object(self._root, one.key)) for one in result]
        except (StoreError, OSError) as error:
            return error

    def _get(self, key: str, max_bytes: int) -> bytes:
        meta, file = local_files.open_object(self._root, key)
        with file:
            if meta.size > max_bytes:
                raise ContractError(f"object {key}: {meta.size} bytes, at most {max_bytes} were asked for")
            data = file.read(meta.size + 1)
        check_hash(key, meta.sha256, hashlib.sha256(data).hexdigest())
        return data

    def _get_to_file(self, key: str, path: Path) -> StoredObject:
        meta, source = local_files.open_object(self._root, key)
        with source, new_beside(path) as target:
            sha256, _ = copy(source, target)
            check_hash(key, meta.sha256, sha256)
        return meta.describe(key)


async def _blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(function, *args, **kwargs)
    except OSError as error:
        raise StoreError(f"object store: {error}") from error


def _size(file: NewObject) -> int:
    """Bytes; what cannot be looked at is told by whoever writes it."""
    if isinstance(file.data, bytes):
        return len(file.data)
    return file.data.stat().st_size if file.data.is_file() else 0
