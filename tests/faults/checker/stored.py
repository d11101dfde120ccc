"""The objects in the store, as they can be read now."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec

from infra.object_store.factory import create_object_store
from infra.object_store.garbage import UPLOAD_GRACE
from infra.object_store.port import ObjectStore
from infra.settings import Settings
from schemas.errors import StoreError
from tests.faults.checker.evidence import ObjectSeen
from tests.faults.checker.spool import Lines

log = logging.getLogger(__name__)
UPLOADS = "accounts/"


class Objects:
    """Objects in a file of JSON lines."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[ObjectSeen]:
        for line in self._lines:
            yield msgspec.json.decode(line, type=ObjectSeen)


async def listed(settings: Settings, path: Path, grace_s: float) -> Objects:
    """Every object, read to its end and hashed, as JSON lines in the file `path`.

    Uploads get a grace of three days at least, as long as they may be put again.
    """
    store = create_object_store(settings, secrets.token_bytes(32))
    old = {item.key async for item in store.list(older_than_s=grace_s) if not item.key.startswith(UPLOADS)}
    old |= {item.key async for item in store.list(UPLOADS, older_than_s=max(grace_s, UPLOAD_GRACE))}
    lines = Lines(path)
    with lines.writing() as write:
        async for item in store.list():
            sha256, size = await _read(store, item.key)
            seen = ObjectSeen(key=item.key, sha256=sha256, size=size, old=item.key in old)
            write(msgspec.json.encode(seen).decode())
    return Objects(lines)


async def _read(store: ObjectStore, key: str) -> tuple[str, int]:
    """Hash and size of what can be read of an object."""
    digest, size = hashlib.sha256(), 0
    try:
        async for chunk in store.open_range(key):
            digest.update(chunk)
            size += len(chunk)
    except StoreError as error:
        log.warning("%s cannot be read to its end: %s", key, error)
    return digest.hexdigest(), size
