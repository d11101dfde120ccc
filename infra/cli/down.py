"""`storyreel down`: stop the stack of a data folder."""

from __future__ import annotations

import sys

from infra.cli.options import DATA, DataOption
from infra.local.paths import StackPaths
from infra.local.state import interrupt, kill_stale, read_state, write_state

_TIMEOUT = 8.8  # seconds the supervisor may take before it is killed, and its children with it


def down(*, data: DataOption = DATA) -> None:
    """Stop the stack that runs in the data folder, within 10 seconds. Nothing running is fine."""
    paths = StackPaths(data.resolve())
    state = read_state(paths)
    running = state.supervisor
    if running is None or running.find() is None:
        left = kill_stale(state)
        what = f"nothing runs in {data}" + (f"; ended leftovers: {', '.join(left)}" if left else "")
        sys.stdout.write(what + "\n")
        return
    if not interrupt(running, _TIMEOUT):
        kill_stale(state)
        state.supervisor, state.ready = None, False
        write_state(paths, state)
    sys.stdout.write(f"stopped the stack in {data}\n")
