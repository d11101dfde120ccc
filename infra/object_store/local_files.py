"""Reading and removing, the blocking half of the local store; `LocalObjectStore` calls it in threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from infra.object_store import sidecar
from infra.object_store.folder import locked, open_file, open_folder, remove_empty
from infra.object_store.port import StoredObject
from infra.object_store.sidecar import LOCK_NAME, META_SUFFIX, Sidecar
from schemas.errors import ObjectMissingError, StoreError

_ATTEMPTS = 20


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
