"""File operations below one root that never follow a symbolic link, whoever may write into the tree meanwhile.

Every path is walked folder by folder with `O_NOFOLLOW` relative to an open descriptor, so there is no moment between
a check and a use.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.errors import StoreError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ATTEMPTS = 20


class Unsynced:
    """Files and folders that were written to and are not yet known to be on the disk.

    Synced together, after the last write: one commit of the file system's journal then serves them all, where a sync
    after each write waits for a commit each time. A sync that failed stays failed: the system tells of a lost write once only.
    """

    def __init__(self) -> None:
        self._descriptors: list[int] = []
        self._failed: OSError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()

    def add(self, descriptor: int) -> None:
        """Remember an open file or folder; the caller may close its descriptor."""
        self._descriptors.append(os.dup(descriptor))

    def sync(self) -> None:
        """Wait until all of them are on the disk, and forget them."""
        if self._failed is not None:
            raise self._failed
        synced: set[tuple[int, int]] = set()
        while self._descriptors:
            found = os.fstat(self._descriptors[-1])
            if (place := (found.st_dev, found.st_ino)) not in synced:  # a folder is written to for each of its files
                self._sync_last()
                synced.add(place)
            os.close(self._descriptors.pop())

    def _sync_last(self) -> None:
        try:
            os.fsync(self._descriptors[-1])
        except OSError as error:
            self._failed = error
            raise


@contextmanager
def open_folder(root: Path, segments: Sequence[str], create: Unsynced | None = None) -> Iterator[int]:
    """Descriptor of `root`/segments; with `create` missing folders are made, and what has to be synced is added there.

    Raises `FileNotFoundError`, or `StoreError` if a part is a link or a file.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for segment in segments:
            below = _enter(descriptor, segment, create)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def open_file(folder: int, name: str, flags: int = os.O_RDONLY) -> int:
    """Descriptor of a regular file in `folder`; new files get mode 0640. A link raises `StoreError`."""
    try:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640, dir_fd=folder)
    except OSError as error:
        _refuse_link(error, name)
        raise


@contextmanager
def create_below(root: Path, segments: Sequence[str], name: str, unsynced: Unsynced) -> Iterator[tuple[int, int]]:
    """Descriptors of a folder, made if needed, and of a new file in it, which the caller closes.

    Survives another process removing the folder while it is empty.
    """
    with ExitStack() as stack:
        yield _created(root, segments, name, unsynced, stack)


def _created(root: Path, segments: Sequence[str], name: str, unsynced: Unsynced, stack: ExitStack) -> tuple[int, int]:
    for _ in range(_ATTEMPTS):
        with ExitStack() as attempt:
            try:
                folder = attempt.enter_context(open_folder(root, segments, create=unsynced))
                file = open_file(folder, name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            except FileNotFoundError:
                continue
            stack.push(attempt.pop_all())
            return folder, file
    raise StoreError(f"object store: folder of {'/'.join([*segments, name])} keeps disappearing")


def remove_empty(root: Path, segments: Sequence[str]) -> None:
    """Remove the folders of a deleted object as far as they are empty."""
    for depth in range(len(segments), 0, -1):
        try:
            with open_folder(root, segments[: depth - 1]) as parent:
                os.rmdir(segments[depth - 1], dir_fd=parent)
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT}:
                return
            raise


@contextmanager
def locked(root: Path, name: str) -> Iterator[None]:
    """Hold an exclusive lock among all processes of this host."""
    with open_folder(root, ()) as folder:
        descriptor = open_file(folder, name, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _enter(parent: int, segment: str, create: Unsynced | None) -> int:
    try:
        return os.open(segment, _FOLDER, dir_fd=parent)
    except FileNotFoundError:
        if create is None:
            raise
    except OSError as error:
        _refuse_link(error, segment)
        raise
    try:
        os.mkdir(segment, 0o750, dir_fd=parent)
    except FileExistsError:
        return _enter(parent, segment, create=None)
    create.add(parent)
    return _enter(parent, segment, create=None)


def _refuse_link(error: OSError, name: str) -> None:
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        raise StoreError(f"object store: {name} is a symbolic link or not of the expected kind, refused") from error
