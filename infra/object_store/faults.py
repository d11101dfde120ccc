"""Failures of the local store on demand, so that a fault run can put real processes through them.

Nothing happens unless `STORYREEL_STORE_FAULTS` names a folder. A fault is in effect while a file of its name lies there.
An empty file hits every call; one that holds "CALLS" or "CALLS MILLISECONDS" hits so many calls of all processes
together and is removed by the last of them. Of an S3 store the server itself can be ended.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from infra.object_store.local import LocalObjectStore
from infra.object_store.port import DEFAULT_MAX_BYTES, NewObject, StoredObject
from infra.object_store.several import put_each
from schemas.errors import StoreError

FOLDER = "STORYREEL_STORE_FAULTS"
SLOW = "slow"  # any call waits first, half a second unless the file says how long
ERRORS = "errors"  # any call fails as if the store were away
FULL = "full"  # a put fails for want of space
TRUNCATED = "truncated"  # a put keeps the first half and claims to have kept all
FAULTS = (SLOW, ERRORS, FULL, TRUNCATED)
_SLOW_MS = 500


def arm(folder: Path, fault: str, calls: int, milliseconds: int = _SLOW_MS) -> Path:
    """Let a fault hit so many calls; returns the file, which is gone once all were hit. Raises `ValueError`."""
    if fault not in FAULTS or calls < 1:
        raise ValueError(f"fault {fault!r} for {calls} calls; there are {', '.join(FAULTS)}, for at least one call")
    incoming = folder / f".{fault}"
    incoming.write_text(f"{calls} {milliseconds}")
    return incoming.replace(folder / fault)


def hit(fault: str) -> int | None:
    """Take one call from a fault; its milliseconds, or None when it is not in effect."""
    if (folder := os.environ.get(FOLDER)) is None:
        return None
    armed = Path(folder) / fault
    try:
        handle = armed.open("r+")
    except FileNotFoundError:
        return None
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        words = handle.read().split()
        if not words:
            return _SLOW_MS
        calls, milliseconds = int(words[0]), int(words[1]) if len(words) > 1 else _SLOW_MS
        if calls < 1:  # another process used it up between our opening and our lock
            return None
        handle.seek(0)
        handle.truncate()
        handle.write(f"{calls - 1} {milliseconds}")
        if calls == 1:
            armed.unlink(missing_ok=True)
    return milliseconds


class FaultyLocalStore(LocalObjectStore):
    """The local store with faults that come when they are armed."""

    async def put(self, key: str, data: bytes | Path, content_type: str) -> StoredObject:
        """Store the content: all, half or nothing of it."""
        await _disturb(f"put {key}")
        if hit(FULL) is not None:
            raise StoreError(f"object store: {OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))}")
        if hit(TRUNCATED) is None:
            return await super().put(key, data, content_type)
        whole = data if isinstance(data, bytes) else await asyncio.to_thread(data.read_bytes)
        kept = await super().put(key, whole[: len(whole) // 2], content_type)
        return StoredObject(
            key=key, sha256=hashlib.sha256(whole).hexdigest(), size=len(whole), content_type=kept.content_type
        )

    async def put_all(self, files: Sequence[NewObject]) -> Sequence[StoredObject]:
        """Each by a `put` of its own, so that a fault may hit any of them."""
        return await put_each(self, files)

    async def get(self, key: str, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        """The object, late or not at all."""
        await _disturb(f"get {key}")
        return await super().get(key, max_bytes)

    async def get_to_file(self, key: str, path: Path) -> StoredObject:
        """The object as a file, late or not at all."""
        await _disturb(f"get {key}")
        return await super().get_to_file(key, path)

    async def open_range(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Chunks of the object, late or not at all."""
        await _disturb(f"read {key}")
        async for chunk in super().open_range(key, start, end):
            yield chunk

    async def stat(self, key: str) -> StoredObject | None:
        """What is recorded, late or not at all."""
        await _disturb(f"stat {key}")
        return await super().stat(key)

    async def delete(self, key: str) -> None:
        """Remove the object, late or not at all."""
        await _disturb(f"delete {key}")
        await super().delete(key)


async def _disturb(call: str) -> None:
    if (milliseconds := hit(SLOW)) is not None:
        await asyncio.sleep(milliseconds / 1000)
    if hit(ERRORS) is not None:
        raise StoreError(f"object store: {call}: an injected failure")
