"""The blocking half of the local store; `LocalObjectStore` calls it in threads."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from infra.object_store import sidecar
from infra.object_store.folder import Unsynced, create_below, locked, open_file, open_folder, remove_empty
from infra.object_store.port import CHUNK_BYTES, NewObject, StoredObject
from infra.object_store.sidecar import LOCK_NAME, META_SUFFIX, Sidecar
from schemas.errors import ContractError, ObjectMissingError, StoreError

_ATTEMPTS = 20


def open_source(data: bytes | Path) -> BinaryIO:
    """A readable file of what is to be stored."""
    if isinstance(data, bytes):
        return io.BytesIO(data)
    if not data.is_file():
        raise ContractError(f"object data: {data} is not a file")
    return data.open("rb")


def write_objects(root: Path, files: Sequence[NewObject], now: Callable[[], float]) -> list[StoredObject]:
    """Write every content, then make it visible by its metadata. All is on the disk when this returns.

    When it fails, keys that were free before are free again.
    """
    fresh: list[tuple[str, Sidecar]] = []
    stored = []
    with Unsynced() as unsynced:
        try:
            for file in files:
                meta, replaced = _write(root, file, now, unsynced)
                stored.append(meta.describe(file.key))
                if not replaced:
                    fresh.append((file.key, meta))
            unsynced.sync()
        except BaseException:
            for key, meta in fresh:
                _take_back(root, key, meta.content)
            raise
    return stored


def write_object(root: Path, key: str, data: bytes | Path, content_type: str, now: Callable[[], float]) -> StoredObject:
    """`write_objects` of one object."""
    (stored,) = write_objects(root, [NewObject(key, data, content_type)], now)
    return stored


def _write(root: Path, file: NewObject, now: Callable[[], float], unsynced: Unsynced) -> tuple[Sidecar, bool]:
    """The metadata of the object, which is visible now, and whether it replaced another one, which is removed."""
    *segments, name = file.key.split("/")
    content = sidecar.new_content_name(name)
    with (
        open_source(file.data) as source,
        os.fdopen(create_below(root, segments, content, unsynced), "wb") as target,
    ):
        try:
            sha256, size = copy(source, target)
            unsynced.add(target.fileno())
            meta = Sidecar(content=content, sha256=sha256, size=size, content_type=file.content_type, written=now())
            with open_folder(root, segments) as folder, locked(root, LOCK_NAME):
                old = read_meta(folder, name)
                sidecar.write(folder, name, meta, unsynced, replaces=old is not None)
                if old is not None:
                    unsynced.sync()
                    unlink(folder, old.content)
        except BaseException:
            _discard(root, segments, name, content)
            raise
    return meta, old is not None


def _discard(root: Path, segments: Sequence[str], name: str, content: str) -> None:
    """Remove the content of a write that failed, unless it had become visible already."""
    with open_folder(root, segments) as folder:
        meta = read_meta(folder, name)
        if meta is None or meta.content != content:
            unlink(folder, content)


def _take_back(root: Path, key: str, content: str) -> None:
    """Hide and remove an object that is not known to be on the disk, unless another one has its key by now."""
    *segments, name = key.split("/")
    with open_folder(root, segments) as folder, locked(root, LOCK_NAME):
        meta = read_meta(folder, name)
        if meta is not None and meta.content == content:
            unlink(folder, name + META_SUFFIX)
            unlink(folder, content)


def copy(source: BinaryIO, target: BinaryIO) -> tuple[str, int]:
    """Copy to the end in chunks and flush; (sha256 in hex, bytes)."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK_BYTES):
        target.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    target.flush()
    return digest.hexdigest(), size


def open_object(root: Path, key: str) -> tuple[Sidecar, BinaryIO]:
    """Metadata and open content that belong together, also while others overwrite the key."""
    *segments, name = key.split("/")
    try:
        with open_folder(root, segments) as folder:
            for _ in range(_ATTEMPTS):
                meta = sidecar.read(folder, name)
                try:
                    return meta, os.fdopen(open_file(folder, meta.content), "rb")
                except FileNotFoundError:
                    continue  # replaced between the two steps
    except FileNotFoundError:
        raise ObjectMissingError(f"no object {key}") from None
    raise StoreError(f"object {key}: its content is missing")


def stat_object(root: Path, key: str) -> StoredObject | None:
    """The recorded metadata, None if there is no object."""
    *segments, name = key.split("/")
    try:
        with open_folder(root, segments) as folder:
            return sidecar.read(folder, name).describe(key)
    except FileNotFoundError:
        return None


def delete_object(root: Path, key: str) -> None:
    """Hide the object first, then free its content and the folders that became empty."""
    *segments, name = key.split("/")
    try:
        with open_folder(root, segments) as folder, locked(root, LOCK_NAME):
            meta = sidecar.read(folder, name)
            os.unlink(name + META_SUFFIX, dir_fd=folder)
            unlink(folder, meta.content)
            os.fsync(folder)
    except FileNotFoundError:
        return
    remove_empty(root, segments)


def walk(root: Path, prefix: str) -> Iterator[tuple[str, Sidecar]]:
    """Every object whose key starts with `prefix`, in order of the keys; links are passed over."""
    *segments, start = prefix.split("/")
    yield from _walk(root, segments, start)


def _walk(root: Path, segments: list[str], start: str) -> Iterator[tuple[str, Sidecar]]:
    try:
        with open_folder(root, segments) as folder:
            names = sorted(_entries(folder, start))
    except FileNotFoundError:
        return
    for name in names:
        if name.endswith("/"):
            yield from _walk(root, [*segments, name[:-1]], "")
        elif (meta := _read_at(root, segments, name)) is not None:
            yield "/".join([*segments, name]), meta


def _entries(folder: int, start: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(start):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield entry.name + "/"
            elif entry.name.endswith(META_SUFFIX) and entry.is_file(follow_symlinks=False):
                yield entry.name.removesuffix(META_SUFFIX)


def _read_at(root: Path, segments: list[str], name: str) -> Sidecar | None:
    try:
        with open_folder(root, segments) as folder:
            return sidecar.read(folder, name)
    except FileNotFoundError:
        return None


def read_meta(folder: int, name: str) -> Sidecar | None:
    """Metadata of `name` in an open folder, None if there is none."""
    try:
        return sidecar.read(folder, name)
    except FileNotFoundError:
        return None


def unlink(folder: int, name: str) -> None:
    """Remove a file if it is there."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
