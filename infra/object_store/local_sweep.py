"""Removal of content files that no object names: what a crash between the two steps of a write or delete leaves."""

from __future__ import annotations

import os
import re
from pathlib import Path

from infra.object_store.folder import locked, open_folder
from infra.object_store.local_files import read_meta, unlink
from infra.object_store.sidecar import LOCK_NAME

_LEFTOVER = re.compile(r"(?P<name>.+)@[0-9a-f]{16}(\.new)?", re.ASCII)


def sweep(root: Path, before: float) -> int:
    """Remove orphans last modified before the Unix time `before`; returns how many files went."""
    return _sweep(root, [], before)


def _sweep(root: Path, segments: list[str], before: float) -> int:
    removed = 0
    try:
        with open_folder(root, segments) as folder:
            with os.scandir(folder) as entries:
                found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
            removed = sum(_remove_orphan(root, folder, name, before) for name, is_folder in found if not is_folder)
    except FileNotFoundError:
        return removed
    return removed + sum(_sweep(root, [*segments, name], before) for name, is_folder in found if is_folder)


def _remove_orphan(root: Path, folder: int, name: str, before: float) -> bool:
    match = _LEFTOVER.fullmatch(name)
    if match is None:
        return False
    with locked(root, LOCK_NAME):
        meta = read_meta(folder, match["name"])
        if meta is not None and meta.content == name:
            return False
        try:
            old = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime < before
        except FileNotFoundError:
            return False
        if old:
            unlink(folder, name)
        return old
