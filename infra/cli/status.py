"""`storyreel status`: what runs in a data folder."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.cli.options import DATA, DataOption, JsonOption
from infra.local.paths import StackPaths
from infra.local.state import StackState, read_state
from infra.troubles import read_troubles

NOTHING_RUNS = 3
ENDPOINTS = ("api", "kafka", "registry", "postgres")


def status(*, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show processes and endpoints. Exit code 3 when nothing runs."""
    paths = StackPaths(data.resolve())
    state = read_state(paths)
    alive = state.alive()
    summary = summarise(state, alive, paths)
    if as_json:
        sys.stdout.write(json.dumps(summary) + "\n")
    elif alive:
        console = Console()
        console.print(process_table(summary["processes"]))
        for name, address in summary["endpoints"].items():
            console.print(f"{name:9} {address or '-'}", highlight=False)
    else:
        sys.stdout.write(f"nothing runs in {data}\n")
    if not alive:
        sys.exit(NOTHING_RUNS)


def summarise(state: StackState, alive: bool, paths: StackPaths) -> dict[str, Any]:
    """Processes with name, pid, state and what they suffer, the endpoints (None where there is none) and the data folder."""
    processes = [
        {
            "name": record.name,
            "pid": record.pid,
            "state": record.state,
            "restarts": record.restarts,
            "troubles": read_troubles(paths.trouble(record.name), record.pid),
        }
        for record in (state.processes if alive else [])
    ]
    endpoints = {name: state.endpoints.get(name) if alive else None for name in ENDPOINTS}
    return {"processes": processes, "endpoints": endpoints, "ready": alive and state.ready, "data": str(paths.data)}


def process_table(processes: list[dict[str, Any]]) -> Table:
    """The processes as a table."""
    table = Table(box=None, pad_edge=False)
    for heading in ("process", "pid", "state", "restarts", ""):
        table.add_column(heading)
    colours = {"ready": "green", "backoff": "red", "failed": "red"}
    for process in processes:
        colour = colours.get(process["state"], "yellow")
        state = f"[{colour}]{process['state']}[/{colour}]"
        troubles = f"[red]{escape('; '.join(process['troubles']))}[/red]" if process["troubles"] else ""
        table.add_row(process["name"], str(process["pid"] or "-"), state, str(process["restarts"]), troubles)
    return table
