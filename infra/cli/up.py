"""`storyreel up`: the local stack in the foreground, or detached."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from infra.cli.options import DATA, DataOption
from infra.cli.showing import StartView, fetch_shown, tell_endpoints
from infra.local.apps import APPS
from infra.local.lifecycle import StackError
from infra.local.parts import Parts
from infra.local.paths import StackPaths
from infra.local.stack import LocalStack, StackOptions
from infra.local.state import read_state
from infra.settings import PREFIX, Settings
from schemas.topics import TOPICS

START_TIMEOUT = 180.0  # seconds a detached stack may take until it is ready
_SHOWN_LINES = 15


def up(
    *,
    detach: Annotated[
        bool, Parameter(negative="", help="Return when everything is ready; stop it with `down`.")
    ] = False,
    port: Annotated[int | None, Parameter(help="Port of the API; a free one is taken when it is in use.")] = None,
    devices: Annotated[int, Parameter(help="CPU devices to run.")] = 2,
    coordinators: Annotated[int, Parameter(help="Coordinators: one decides, the others stand by.")] = 1,
    read_models: Annotated[int, Parameter(help="Writers of the read models: one writes, the others stand by.")] = 1,
    data: DataOption = DATA,
) -> None:
    """Start Kafka, the registry, PostgreSQL and all processes of the product; Ctrl-C stops them within 10 seconds."""
    console = Console()
    parts = fetch_shown(console)
    if detach:
        counts = {"devices": devices, "coordinators": coordinators, "read-models": read_models}
        _detach(console, data, port, counts)
    else:
        options = replace(stack_options(port, devices), coordinators=coordinators, read_models=read_models)
        asyncio.run(_foreground(console, parts, data, options))


def stack_options(port: int | None, devices: int, environ: Mapping[str, str] = os.environ) -> StackOptions:
    """All processes of the product; other settings come from the environment, a database of the user's own too."""
    base = Settings.from_env(environ)
    own = any(environ.get(name) for name in (f"{PREFIX}DATABASE_URL", "DATABASE_URL"))
    database_url = base.database_url if own else None
    return StackOptions(apps=APPS, devices=devices, topics=TOPICS, database_url=database_url, api_port=port, base=base)


def new_stack(console: Console, view: StartView, parts: Parts, data: Path, options: StackOptions) -> LocalStack:
    """A stack that tells the console what happens to it."""
    stack = LocalStack(
        data, options=options, parts=parts, notify=console.print, changed=view.changed, failed=view.failed
    )
    view.stack = stack
    return stack


async def _foreground(console: Console, parts: Parts, data: Path, options: StackOptions) -> None:
    view = StartView(console)
    stack = new_stack(console, view, parts, data, options)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    starting = asyncio.create_task(_start(stack, view))
    waiting = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.is_set():
            await starting
            _tell_ready(console, view, stack.state.endpoints, "stop it with Ctrl-C")
            watching = asyncio.create_task(stack.watch())
            await asyncio.wait({watching, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                await watching
            watching.cancel()
    finally:
        starting.cancel()
        waiting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await stack.stop()
    console.print("stopped")


async def _start(stack: LocalStack, view: StartView) -> None:
    with view.shown():
        await stack.start()


def _tell_ready(console: Console, view: StartView, endpoints: dict[str, str], how_to_stop: str) -> None:
    console.print(view.table())
    tell_endpoints(lambda line: console.print(line, highlight=False), endpoints)
    console.print(f"[green]ready[/]; {how_to_stop}")


def _detach(console: Console, data: Path, port: int | None, counts: Mapping[str, int]) -> None:
    paths = StackPaths(data.resolve())
    if read_state(paths).alive():
        raise StackError(f"a stack already runs in {data}; see: storyreel status --data {data}")
    paths.create()
    log = paths.logs / "supervisor.log"
    arguments = ["up", "--data", str(paths.data)]
    arguments += [word for name, count in counts.items() for word in (f"--{name}", str(count))]
    arguments += ["--port", str(port)] if port is not None else []
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "infra.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        with console.status("starting the local stack"):
            _await_ready(process, paths, log)
    except BaseException:  # Ctrl-C, too: it does not reach a process of another session
        process.terminate()
        process.wait()
        raise
    endpoints = read_state(paths).endpoints
    tell_endpoints(lambda line: console.print(line, highlight=False), endpoints)
    console.print(f"[green]ready[/]; stop it with: storyreel down --data {data}", highlight=False)


def _await_ready(process: subprocess.Popen[bytes], paths: StackPaths, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            lines = log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:]
            raise StackError("the stack did not start:\n" + "\n".join(lines))
        state = read_state(paths)
        if state.ready and state.supervisor is not None and state.supervisor.pid == process.pid:
            return
        time.sleep(0.1)
    raise StackError(f"the stack was not ready within {START_TIMEOUT:g} s; see {log}")
