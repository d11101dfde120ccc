"""Checkpoints that were kept elsewhere, as `storyreel log checkpoint` printed them, against those on the log.

Who cuts both the ledger and the last checkpoints leaves a log that is in order; a checkpoint that is only elsewhere shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from infra.audit.events import Findings
from infra.audit.notes import text
from infra.audit.seals import Signed
from schemas.errors import ConfigurationError
from schemas.topics import CHECKPOINTS

_TITLE = "storyreel checkpoint 1\n"
_NOTE = re.compile(
    rf"^({_TITLE}shard (\d+)\nnumber (\d+)\n(?:[a-z]+ .*\n)+?)signature ([0-9a-f]{{128}})$", re.MULTILINE
)


class Kept(Struct, frozen=True, kw_only=True):
    """A printed checkpoint."""

    shard: int
    number: int
    text: bytes
    signature: bytes


def read_kept(path: Path) -> list[Kept]:
    """All checkpoints in a file; other lines are passed over. Raises `ConfigurationError` if there is none or one is cut."""
    try:
        content = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    found = [
        Kept(shard=int(shard), number=int(number), text=note.encode(), signature=bytes.fromhex(signature))
        for note, shard, number, signature in _NOTE.findall(content)
    ]
    if not found or len(found) != content.count(_TITLE):
        raise ConfigurationError(f"{path}: {content.count(_TITLE)} checkpoints begin there and {len(found)} are whole")
    return found


def check_kept(kept: Iterable[Kept], signed: Sequence[Signed], found: Findings) -> None:
    """Every kept checkpoint must be on the log as it was printed."""
    on_log = {checkpoint.number: (raw, checkpoint) for raw, checkpoint in signed}
    for one in kept:
        there = on_log.get(one.number)
        if there is None:
            message = f"checkpoint {one.number}, which was kept elsewhere, is not on the log: it was cut"
            found.at((CHECKPOINTS.name, one.shard), one.number - 1, "kept", message)
        elif (text(there[1]), there[1].signature) != (one.text, one.signature):
            found.about(there[0], "kept", f"checkpoint {one.number} is not the one that was kept elsewhere")
