"""Size and digest of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from msgspec import Struct


class FileSum(Struct, frozen=True):
    """Size in bytes and SHA-256 (lower-case hex) of one file."""

    size: int
    sha256: str


def measure(path: Path) -> FileSum:
    """Size and SHA-256 of a file on disk."""
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
        return FileSum(handle.tell(), digest)
