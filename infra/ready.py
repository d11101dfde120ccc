"""How a process tells its supervisor that it is ready."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

READY_FILE = "STORYREEL_READY_FILE"


def mark_ready(environ: Mapping[str, str]) -> None:
    """Write the file named by `STORYREEL_READY_FILE`; without the variable nobody waits and nothing happens."""
    if name := environ.get(READY_FILE):
        path = Path(name)
        incoming = path.with_name(path.name + ".new")
        incoming.write_text("ready\n")
        incoming.replace(path)
