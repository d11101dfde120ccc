"""Files that appear whole or not at all, and only with the hash that was recorded."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from schemas.errors import StoreError


@contextmanager
def new_beside(path: Path) -> Iterator[BinaryIO]:
    """A temporary file that takes the place of `path` when the block ends well, and vanishes otherwise."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    with temporary.open("xb") as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink()
            raise


def check_hash(key: str, recorded: str, found: str) -> None:
    """Raise `StoreError` if the content of `key` is not what was recorded (hex)."""
    if recorded != found:
        raise StoreError(f"object {key}: sha256 is {found}, recorded was {recorded}")
