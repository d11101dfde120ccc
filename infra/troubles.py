"""What a process suffers while it goes on working, told to people who look at the stack with `storyreel status`."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

TROUBLE_FILE = "STORYREEL_TROUBLE_FILE"

log = logging.getLogger(__name__)


class Trouble(Struct, frozen=True, kw_only=True):
    """One thing that does not work, in words, and since when."""

    text: str
    since: datetime


class Troubles(Struct, frozen=True, kw_only=True):
    """What the process `pid` suffers, by a name for each part that may fail; a file of another pid is out of date."""

    pid: int
    by_part: dict[str, Trouble] = {}


class TroubleFile:
    """The file named by `STORYREEL_TROUBLE_FILE`; without the variable nobody looks and nothing is written."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        name = environ.get(TROUBLE_FILE)
        self._path = Path(name) if name else None
        self._present: dict[str, Trouble] = {}

    def tell(self, part: str, text: str) -> None:
        """`part` does not work, or works again when `text` is "". A repetition keeps the time of the first."""
        known = self._present.get(part)
        if text == (known.text if known else ""):
            return
        if text:
            since = known.since if known else datetime.now(UTC)
            self._present[part] = Trouble(text=text, since=since)
        else:
            del self._present[part]
        self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        incoming = self._path.with_name(self._path.name + ".new")
        try:
            incoming.write_bytes(msgspec.json.encode(Troubles(pid=os.getpid(), by_part=self._present)))
            incoming.replace(self._path)
        except OSError as error:
            log.warning("%s does not show what is wrong: %s", self._path, error)


def read_troubles(path: Path, pid: int | None) -> list[str]:
    """What the process with this pid suffers, each in a line with the time since when."""
    try:
        told = msgspec.json.decode(path.read_bytes(), type=Troubles)
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        return [f"{path} cannot be read: {error}"]
    if told.pid != pid:
        return []
    return [f"{one.text} (since {one.since:%H:%M:%S} UTC)" for one in told.by_part.values()]
