"""What a Java process's garbage collector did, from the log that the virtual machine writes of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

_OPTIONS = "JDK_JAVA_OPTIONS"  # read by every `java` that is started
_PAUSE = re.compile(
    r"^\[(?P<at>[\d.]+)s\].* Pause .*->(?P<after>\d+)(?P<unit>[KMG])\((?P<heap>\d+)\w\) (?P<ms>[\d.]+)ms$"
)
_MB = {"K": 2**10 / 1e6, "M": 2**20 / 1e6, "G": 2**30 / 1e6}


class Collections(Struct, frozen=True, kw_only=True):
    """How often the process stood still, for how many milliseconds in all and at most, and MB in use after a collection.

    `left_mb` is the most that ever remained, `seconds` the time from the first collection to the last.
    """

    count: int = 0
    total_ms: float = 0.0
    longest_ms: float = 0.0
    left_mb: float = 0.0
    seconds: float = 0.0


def collections(lines: Iterable[str]) -> Collections:
    """Of a log with uptimes."""
    found = [match for line in lines if (match := _PAUSE.match(line.strip()))]
    if not found:
        return Collections()
    pauses, times = [float(match["ms"]) for match in found], [float(match["at"]) for match in found]
    return Collections(
        count=len(found),
        total_ms=sum(pauses),
        longest_ms=max(pauses),
        left_mb=max(int(match["after"]) * _MB[match["unit"]] for match in found),
        seconds=times[-1] - times[0],
    )


@contextmanager
def logged(folder: Path) -> Iterator[None]:
    """Java processes that are started in the block write their logs into the folder, see `log_of`."""
    before = os.environ.get(_OPTIONS)
    log = f"-Xlog:gc:file={folder}/gc-%p.log:uptime:filecount=0"
    os.environ[_OPTIONS] = f"{before} {log}" if before else log
    try:
        yield
    finally:
        if before is None:
            del os.environ[_OPTIONS]
        else:
            os.environ[_OPTIONS] = before


def log_of(folder: Path, pid: int) -> list[str]:
    """The log of the process so far."""
    return (folder / f"gc-{pid}.log").read_text().splitlines()
