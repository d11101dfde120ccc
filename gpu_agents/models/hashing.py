"""SHA-256 of model files, once a file: remembered by size, time of change and inode."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from schemas.errors import ConfigurationError

NOTES = ".storyreel-hashes.json"


class HashNotes:
    """Digests of files that did not change since they were read; kept in the file `path`, which may be thrown away.

    `anew` reads every file again, as only that finds what a disk has changed behind the file system's back.
    """

    def __init__(self, path: Path, *, anew: bool = False) -> None:
        self._path = path
        self._known = {} if anew else _read(path)
        self.computed = 0

    def digest(self, path: Path) -> str:
        """SHA-256 of a file, hex; reads it only if it is new or changed."""
        state = path.stat()
        key = f"{state.st_dev}|{state.st_ino}|{state.st_size}|{state.st_mtime_ns}"  # a file that is renamed stays known
        if key not in self._known:
            with path.open("rb") as file:
                self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
            self.computed += 1
        return self._known[key]

    def save(self) -> None:
        """Keep what was computed for the next process; a folder that cannot be written means computing again."""
        if not self.computed or not os.access(self._path.parent, os.W_OK):
            return
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        fresh.write_bytes(msgspec.json.encode(_read(self._path) | self._known))
        fresh.replace(self._path)


def manifest(files: Mapping[str, Path], notes: HashNotes) -> dict[str, str]:
    """Path in the model → SHA-256, in the order of the paths."""
    return {name: notes.digest(files[name]) for name in sorted(files)}


def manifest_digest(digests: Mapping[str, str]) -> str:
    """SHA-256 of the manifest as sha256sum writes it: "HASH  PATH" a line, by path."""
    lines = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def check_digests(digests: Mapping[str, str], files: Mapping[str, str], manifest_sha256: str) -> None:
    """Compare with what the registry pins. Raises `ConfigurationError` naming the first file that differs."""
    for name, pinned in files.items():
        found = digests.get(name)
        if found is None:
            raise ConfigurationError(f"{name}: the registry names it, the model lacks it")
        if found != pinned:
            raise ConfigurationError(f"{name}: its SHA-256 is {found}, the registry says {pinned}")
    if manifest_sha256 and manifest_digest(digests) != manifest_sha256:
        raise ConfigurationError(
            f"the manifest's SHA-256 is {manifest_digest(digests)}, the registry says {manifest_sha256}"
        )


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except msgspec.DecodeError:
        return {}  # notes only save time: a torn file is computed again
