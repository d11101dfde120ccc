"""Log files of the processes: they write themselves, the supervisor only keeps the files small."""

from __future__ import annotations

import shutil
from pathlib import Path

MAX_BYTES = 10_000_000
KEEP = 3


def rotate(log: Path, max_bytes: int = MAX_BYTES, keep: int = KEEP) -> bool:
    """Move the content of a log larger than `max_bytes` to `<log>.1` … `<log>.<keep>`; the writer keeps its descriptor.

    Copies and truncates: the processes append, so their next line starts the emptied file. Lines written between copy
    and truncation are lost. Returns whether it rotated.
    """
    if not log.exists() or log.stat().st_size <= max_bytes:
        return False
    for number in range(keep - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    with log.open("r+b") as handle:
        handle.truncate(0)
    return True


def tail(log: Path, lines: int = 12, limit: int = 16_000) -> list[str]:
    """The last lines of a log, from its last `limit` bytes at most."""
    if not log.exists():
        return []
    with log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - limit))
        return handle.read().decode("utf-8", "replace").splitlines()[-lines:]
