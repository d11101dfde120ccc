"""What an export folder holds: `manifest.json` is replaced atomically, and only what it lists is part of the export."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from schemas.errors import ConfigurationError

NAME = "manifest.json"
PART = "part-"
HIDDEN = "."  # before the name of a file that is being written


class PartFile(Struct, frozen=True, kw_only=True):
    """A finished file. Offsets `first` to `last` (inclusive) of one partition; `size` in bytes, `sha256` in hex."""

    path: str
    topic: str
    partition: int
    first: int
    last: int
    records: int
    size: int
    sha256: str


class Manifest(Struct, kw_only=True):
    """`positions` are the next offsets to export by "topic/partition", `schemas` the registry's texts by id.

    `since` is the time the export begins at ("" = the oldest record). It is `whole` when the last run was to add all that
    every topic held. `expired` counts offsets that retention removed
    between two runs.
    """

    layout: int = 1
    format: str
    cluster: str
    since: str = ""
    whole: bool = False
    positions: dict[str, int] = {}
    files: list[PartFile] = []
    schemas: dict[int, str] = {}
    expired: int = 0


def load(folder: Path) -> Manifest | None:
    """The manifest of a folder, None if there is none. Raises `ConfigurationError` for one that cannot be read."""
    path = folder / NAME
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{path} is no manifest of an export: {error}") from error
    if manifest.layout != 1:
        raise ConfigurationError(f"{path} has layout {manifest.layout}; this version reads layout 1")
    return manifest


def save(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest; after a crash there is the old or the new one, whole."""
    temporary = folder / f"{HIDDEN}{NAME}"
    with temporary.open("wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        out.flush()
        os.fsync(out.fileno())
    os.replace(temporary, folder / NAME)
    sync(folder)


def sync(path: Path) -> None:
    """Make a file or the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path, manifest: Manifest, topics: Iterable[str]) -> list[Path]:
    """Remove what a killed run left: parts under the topics' folders that the manifest does not list. Returns them."""
    listed = {folder / file.path for file in manifest.files}
    found = [
        path
        for topic in topics
        for path in sorted((folder / topic).glob("date=*/*"))
        if path.name.removeprefix(HIDDEN).startswith(PART) and path not in listed
    ]
    for path in found:
        path.unlink()
    return found


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
