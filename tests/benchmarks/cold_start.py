"""Starts of the whole local stack, phase by phase, and what the API takes to be imported.

A run is a first start in an empty folder and a second one in the same folder. The programs are in the cache already. Seconds are
by the clock, so they mean something on a quiet machine only; CPU seconds of all processes are given beside them.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from msgspec import Struct

from infra.local import ports
from infra.local.apps import APPS
from infra.local.lifecycle import State
from infra.local.parts import fetch_parts
from infra.local.stack import LocalStack, StackOptions
from schemas.topics import TOPICS
from tests.benchmarks.cpu import cpu_times
from tests.benchmarks.figures import Figure, Options

_IMPORT = "import time; began = time.process_time(); import api.__main__; print(time.process_time() - began)"


class Start(Struct):
    """Seconds until everything was ready, until each process was, and of CPU time that the processes used."""

    whole: float
    ready: dict[str, float]
    cpu: float


async def measure(options: Options) -> list[Figure]:
    """Cold and warm starts alternate."""
    await asyncio.to_thread(fetch_parts)
    cold, warm, imports = [], [], []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory(prefix="storyreel-start-") as folder:
            cold.append(await _start(Path(folder)))
            warm.append(await _start(Path(folder)))
        imports.append(await asyncio.to_thread(_import))
        options.say(f"first {_told(cold[-1])}")
        options.say(f"second {_told(warm[-1])}")
    return [
        *_figures("first start in an empty folder", cold, 15),
        *_figures("second start", warm, 8),
        Figure(name="import of the API process", unit="s of CPU", runs=imports, limit=1, better="less"),
    ]


def _figures(name: str, starts: list[Start], limit: float) -> list[Figure]:
    return [
        Figure(name=name, unit="s", runs=[start.whole for start in starts], limit=limit, better="less"),
        Figure(name=f"{name}, all processes", unit="s of CPU", runs=[start.cpu for start in starts], better="less"),
        *(
            Figure(
                name=f"{name}, until {process} is ready",
                unit="s",
                runs=[s.ready[process] for s in starts],
                better="less",
            )
            for process in starts[0].ready
        ),
    ]


def _told(start: Start) -> str:
    phases = ", ".join(f"{name} {at:.1f}" for name, at in sorted(start.ready.items(), key=lambda item: item[1]))
    return f"start: {start.whole:.1f} s, {start.cpu:.1f} s of CPU time; ready after seconds: {phases}"


async def _start(folder: Path) -> Start:
    """Start, look, stop."""
    began, mine = time.monotonic(), time.process_time()
    ready: dict[str, float] = {}
    options = StackOptions(apps=APPS, devices=2, topics=TOPICS, api_port=ports.choose(None, frozenset()))
    stack = LocalStack(folder, options=options, changed=lambda: _note(stack, ready, began))
    async with stack:
        whole = time.monotonic() - began
        assert stack.supervisor is not None
        runners = stack.supervisor.runners.items()
        times = cpu_times({name: runner.process.pid for name, runner in runners if runner.process is not None})
        awaited = {name: at for name, at in ready.items() if stack.runner(name).spec.awaited}
        return Start(whole, awaited, sum(times.values()) + time.process_time() - mine)


def _note(stack: LocalStack, ready: dict[str, float], began: float) -> None:
    if stack.supervisor is None:
        return
    for name, runner in stack.supervisor.runners.items():
        if runner.state is State.READY:
            ready.setdefault(name, time.monotonic() - began)


def _import() -> float:
    done = subprocess.run([sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True)
    return float(done.stdout)
