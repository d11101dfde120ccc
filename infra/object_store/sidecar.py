"""Metadata files of the local store, and the names files have on disk.

An object `a/b.png` is the pair `a/b.png@<16 hex>` (content) and `a/b.png@meta` (JSON, names the content file).
"@" cannot occur in a key, so nothing collides, not even the keys `a` and `a/b`. Replacing the metadata file is the one
atomic step that makes an object visible, so content and metadata always belong together.
"""

from __future__ import annotations

import os
import secrets

import msgspec
from msgspec import Struct

from infra.object_store.folder import Unsynced, open_file
from infra.object_store.port import StoredObject
from schemas.errors import StoreError

META_SUFFIX = "@meta"
LOCK_NAME = "@lock"
_MAX_META = 4096


class Sidecar(Struct, frozen=True, kw_only=True):
    """What is written next to the content; `written` is Unix time in seconds."""

    content: str
    sha256: str
    size: int
    content_type: str
    written: float

    def describe(self, key: str) -> StoredObject:
        """The public view."""
        return StoredObject(key=key, sha256=self.sha256, size=self.size, content_type=self.content_type)


def new_content_name(name: str) -> str:
    """A fresh name for the content of the object whose last segment is `name`."""
    return f"{name}@{secrets.token_hex(8)}"


def read(folder: int, name: str) -> Sidecar:
    """Metadata of the object `name` in `folder`. Raises `FileNotFoundError`, `StoreError` if it is damaged."""
    descriptor = open_file(folder, name + META_SUFFIX)
    with os.fdopen(descriptor, "rb") as file:
        raw = file.read(_MAX_META)
    try:
        return msgspec.json.decode(raw, type=Sidecar)
    except msgspec.DecodeError as error:
        raise StoreError(f"object store: metadata of {name} is damaged: {error}") from error


def write(folder: int, name: str, sidecar: Sidecar, unsynced: Unsynced, *, replaces: bool) -> None:
    """Put the metadata in place atomically; what has to be synced then is added to `unsynced`.

    Where it `replaces` older metadata, everything that is unsynced is synced before, so that the old or the new object
    survives a loss of power.
    """
    temporary = f"{name}@{secrets.token_hex(8)}.new"
    descriptor = open_file(folder, temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(sidecar))
            file.flush()
            unsynced.add(file.fileno())
        if replaces:
            unsynced.sync()
        os.replace(temporary, name + META_SUFFIX, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise
    unsynced.add(folder)
