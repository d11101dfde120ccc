"""Writing to the local store: several groups of files at once, each of which is stored as a whole or not at all.

What costs time is not the bytes but the steps: threads that take turns at small system calls, a lock, and syncs. Contents are
written first, then all metadata under one lock, then one round of syncs makes everything durable.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from infra.object_store import sidecar
from infra.object_store.folder import Unsynced, create_below, locked
from infra.object_store.local_files import read_meta, unlink
from infra.object_store.port import CHUNK_BYTES, NewObject, StoredObject
from infra.object_store.sidecar import LOCK_NAME, META_SUFFIX, Sidecar
from schemas.errors import ContractError

Stored = Sequence[StoredObject]


def open_source(data: bytes | Path) -> BinaryIO:
    """A readable file of what is to be stored."""
    if isinstance(data, bytes):
        return io.BytesIO(data)
    if not data.is_file():
        raise ContractError(f"object data: {data} is not a file")
    return data.open("rb")


def write_objects(root: Path, files: Sequence[NewObject], now: Callable[[], float]) -> Stored:
    """`write_groups` of one group. Raises why it was not stored."""
    (result,) = write_groups(root, [files], now)
    if isinstance(result, Exception):
        raise result
    return result


def write_groups(
    root: Path, groups: Sequence[Sequence[NewObject]], now: Callable[[], float]
) -> list[Stored | Exception]:
    """For each group what was stored, which is on the disk, or why nothing was: keys that were free before are free again."""
    batch = [_Group(root, files) for files in groups]
    with ExitStack() as folders, Unsynced() as unsynced:
        for group in batch:
            group.attempt(lambda group: group.fill(now, unsynced, folders))
        try:
            with locked(root, LOCK_NAME):
                for group in batch:
                    group.attempt(lambda group: group.reveal(unsynced))
            unsynced.sync()
        except OSError as error:
            for group in batch:
                group.error = group.error or error
        if failed := [group for group in batch if group.error]:
            with locked(root, LOCK_NAME):
                for group in failed:
                    group.undo()
        return [group.error or group.stored() for group in batch]


class _Object:
    """A content that is in its open `folder`; `meta` once it is whole, `fresh` unless that replaced other metadata."""

    def __init__(self, key: str, folder: int, content: str) -> None:
        self.key, self.folder, self.content = key, folder, content
        self.name = key.rpartition("/")[2]
        self.meta = Sidecar(content=content, sha256="", size=0, content_type="", written=0.0)
        self.fresh = True


class _Group:
    """Files that are stored together. After `error` nothing more happens to them but `undo`."""

    def __init__(self, root: Path, files: Sequence[NewObject]) -> None:
        self.error: Exception | None = None
        self._root, self._files = root, files
        self._objects: list[_Object] = []

    def attempt(self, step: Callable[[_Group], None]) -> None:
        """Take a step, unless one failed before."""
        if self.error is None:
            try:
                step(self)
            except Exception as error:  # the other groups go on; whoever asked for this one gets it
                self.error = error

    def fill(self, now: Callable[[], float], unsynced: Unsynced, folders: ExitStack) -> None:
        """Write the contents under names of their own, which nobody reads yet."""
        for file in self._files:
            *segments, name = file.key.split("/")
            content = sidecar.new_content_name(name)
            with open_source(file.data) as source:
                folder, descriptor = folders.enter_context(create_below(self._root, segments, content, unsynced))
                self._objects.append(_Object(file.key, folder, content))
                with os.fdopen(descriptor, "wb") as target:
                    sha256, size = copy(source, target)
                    unsynced.add(target.fileno())
            self._objects[-1].meta = Sidecar(
                content=content, sha256=sha256, size=size, content_type=file.content_type, written=now()
            )

    def reveal(self, unsynced: Unsynced) -> None:
        """Make the objects visible. Replaced ones are durable before what they replace goes."""
        for one in self._objects:
            old = read_meta(one.folder, one.name)
            one.fresh = old is None
            sidecar.write(one.folder, one.name, one.meta, unsynced, replaces=old is not None)
            if old is not None:
                unsynced.sync()
                unlink(one.folder, old.content)

    def undo(self) -> None:
        """Hide and remove what is not known to be on the disk, unless another object has its key by now."""
        for one in self._objects:
            meta = read_meta(one.folder, one.name)
            visible = meta is not None and meta.content == one.content
            if visible and one.fresh:
                unlink(one.folder, one.name + META_SUFFIX)
            if one.fresh or not visible:
                unlink(one.folder, one.content)

    def stored(self) -> Stored:
        """What is recorded."""
        return [one.meta.describe(one.key) for one in self._objects]


def copy(source: BinaryIO, target: BinaryIO) -> tuple[str, int]:
    """Copy to the end in chunks and flush; (sha256 in hex, bytes)."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK_BYTES):
        target.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    target.flush()
    return digest.hexdigest(), size
