"""`storyreel restart`: processes of a running stack one after another, as in an update."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from infra.cli.options import DATA, DataOption
from infra.local.lifecycle import StackError, State
from infra.local.paths import StackPaths
from infra.local.state import NotRunningError, ProcessRecord, StackState, read_state
from schemas.errors import ConfigurationError

INFRASTRUCTURE = ("kafka", "postgres", "registry")
_TIMEOUT = 90.0  # seconds until the new process is ready
_POLL = 0.05


def restart(
    names: Annotated[
        tuple[str, ...], Parameter(negative="", help="Processes; all of the product if none is named.")
    ] = (),
    /,
    *,
    data: DataOption = DATA,
) -> None:
    """Restart processes one after another: the next one only when the one before is ready again."""
    paths = StackPaths(data.resolve())
    state = read_state(paths)
    if not state.alive():
        raise NotRunningError(f"no stack runs in {data}; start one with: storyreel up --data {data}")
    for name in chosen(state, names):
        began = time.monotonic()
        _restart(paths, data, name)
        sys.stdout.write(f"{name} is ready again after {time.monotonic() - began:.1f} s\n")
        sys.stdout.flush()


def chosen(state: StackState, names: tuple[str, ...]) -> list[str]:
    """The named processes in the given order, else all but the infrastructure, standbys before those who work.

    Raises `ConfigurationError` for a name that does not run.
    """
    running = [record.name for record in state.processes]
    if unknown := [name for name in names if name not in running]:
        raise ConfigurationError(f"no process {', '.join(unknown)}; there are {', '.join(running)}")
    return list(names) or [name for name in reversed(running) if name not in INFRASTRUCTURE]


def _restart(paths: StackPaths, data: Path, name: str) -> None:
    before = _record(read_state(paths), name)
    if (process := before.find()) is not None:
        process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)  # SIGTERM waits for its clients
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        state = read_state(paths)
        if not state.alive():
            raise NotRunningError(f"the stack in {data} ended")
        now = _record(state, name)
        if now.state == State.READY and now.pid not in (None, before.pid):
            return
        time.sleep(_POLL)
    raise StackError(f"{name} was not ready again within {_TIMEOUT:g} s; see {paths.logs / f'{name}.log'}")


def _record(state: StackState, name: str) -> ProcessRecord:
    return next(record for record in state.processes if record.name == name)
