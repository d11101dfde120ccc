"""The results as they are kept in bench.json."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct, field

from tests.benchmarks.figures import Figure


class Machine(Struct, kw_only=True):
    """Where a part was measured; `memory_gib` of RAM, `revision` of the code."""

    cores: int
    memory_gib: float
    python: str
    revision: str


class Measured(Struct, kw_only=True):
    """One part: its figures, or why there are none. `load_average` of the last minute before and after.

    `partial`: it was cut off, the figures are those until then.
    """

    part: str
    figures: list[Figure] = []
    error: str = ""
    seconds: float = 0.0
    quick: bool = False
    partial: bool = False
    load_average: list[float] = field(default_factory=list)
    machine: Machine


class Results(Struct, kw_only=True):
    """All parts measured so far; measuring one again replaces it."""

    parts: list[Measured]


def machine() -> Machine:
    """This one."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(pages / 2**30, 1),
        python=platform.python_version(),
        revision=git.stdout.strip(),
    )


def store(folder: Path, measured: Measured) -> None:
    """Into PART.json and bench.json, so that neither is ever half written."""
    whole = folder / "bench.json"
    for path, content in (
        (folder / f"{measured.part}.json", msgspec.json.encode(measured)),
        (whole, msgspec.json.format(msgspec.json.encode(merge(whole, [measured])), indent=1)),
    ):
        incoming = path.with_suffix(".new")
        incoming.write_bytes(content)
        incoming.replace(path)


def merge(path: Path, measured: Iterable[Measured]) -> Results:
    """What `path` holds, with the newly measured parts in place of older ones."""
    known = msgspec.json.decode(path.read_bytes(), type=Results).parts if path.exists() else []
    by_name = {one.part: one for one in known} | {one.part: one for one in measured}
    return Results(parts=list(by_name.values()))
