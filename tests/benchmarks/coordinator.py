"""Starts and takeovers of the coordinator: `python -m tests.benchmarks.coordinator [--events 1000000] [--kills 6]`.

Writes a ledger of that many events to a broker of its own, then prints: process start to ready without and with a
snapshot, size and time of the snapshot, memory, how snapshots touch the time of a decision, and the pause of decisions
when the active one of two is killed, killed on another host (stopped: nobody sees that it is dead) or told to stop.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import psutil
from msgspec import Struct
from msgspec.structs import replace

from infra.local.stack import LocalStack, StackOptions
from infra.registry import load_codec
from infra.settings import Settings
from schemas.topics import TOPICS
from tests.benchmarks.ledger import write_ledger
from tests.integration.coordinator.desk import Coordinator, Desk, images

NEVER = 10**12
TAIL = 50_000
ASKING = 15.0  # seconds
PACE = 0.02


class Starts(Struct, kw_only=True):
    """Seconds from exec to ready."""

    whole: float
    with_snapshot: list[float] = []
    with_tail: list[float] = []


class Started(Struct, kw_only=True):
    """A process that is ready, after so many seconds."""

    coordinator: Coordinator
    seconds: float


async def main() -> None:
    """Start a broker in a temporary folder, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=6, help="takeovers of each way; 0 = none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="storyreel-ledger-") as folder:
        async with LocalStack(Path(folder), options=StackOptions(topics=TOPICS)) as stack:
            began = time.monotonic()
            await write_ledger(stack.settings, options.events)
            print(f"{options.events} events written in {time.monotonic() - began:.0f} s", flush=True)
            await starts(stack.settings, Path(folder), options.events)
            await _decisions(stack.settings, Path(folder))
            if options.kills:
                await _takeovers(stack.settings, Path(folder), options.kills)


def untold(_found: Starts) -> None:
    """Nobody waits for what is found."""


async def starts(
    settings: Settings, folder: Path, events: int, runs: int = 1, told: Callable[[Starts], None] = untold
) -> Starts:
    """How long a process takes to be ready, with nothing to start from and with a snapshot; `told` of all found so far."""
    whole = await _start("from the first event", replace(settings, snapshot_events=NEVER), folder)
    await whole.coordinator.kill()
    saving = await _start("the same, saving at its end", replace(settings, snapshot_events=1000), folder)
    await saving.coordinator.logged("is announced: the next start")
    await saving.coordinator.kill()
    log = saving.coordinator.log.read_text()
    print(next(line for line in log.splitlines() if '"snapshot of shard_seq' in line))
    settings, found = replace(settings, snapshot_events=NEVER), Starts(whole=whole.seconds)
    found.with_snapshot = await _times("with a snapshot", settings, folder, runs)
    told(found)
    await write_ledger(settings, events + TAIL, anew=False)
    found.with_tail = await _times(f"with a snapshot and {TAIL} events behind it", settings, folder, runs)
    return found


async def _times(name: str, settings: Settings, folder: Path, runs: int) -> list[float]:
    times = []
    for _ in range(runs):
        started = await _start(name, settings, folder)
        await started.coordinator.kill()
        times.append(started.seconds)
    return times


async def _start(name: str, settings: Settings, folder: Path) -> Started:
    coordinator = Coordinator(settings, folder)
    began = time.monotonic()
    await coordinator.start(patience=900)
    seconds = time.monotonic() - began
    assert coordinator.process is not None
    memory = psutil.Process(coordinator.process.pid).memory_info().rss / 2**20
    print(f"start to ready {name}: {seconds:.1f} s, {memory:.0f} MiB", flush=True)
    return Started(coordinator=coordinator, seconds=seconds)


async def _decisions(settings: Settings, folder: Path) -> None:
    """Time from a request's acknowledgement to its decision, with and without snapshots being taken all the time."""
    for every in (NEVER, 1):
        coordinator = Coordinator(replace(settings, snapshot_events=every), folder)
        await coordinator.start(patience=900)
        async with _Asking(settings) as asking:
            await asyncio.sleep(ASKING)
        taken = coordinator.log.read_text().count('"snapshot of shard_seq')
        print(f"decisions with {taken} snapshots in {ASKING:g} s: {asking.waits()}", flush=True)
        await coordinator.kill()


async def _takeovers(settings: Settings, folder: Path, kills: int) -> None:
    ways = {"killed": signal.SIGKILL, "killed on another host": signal.SIGSTOP, "told to stop": signal.SIGTERM}
    for way, number in ways.items():
        active, standby = Coordinator(settings, folder), Coordinator(settings, folder)
        await active.start(patience=900)
        pauses = []
        for _ in range(kills):
            await standby.start(patience=900)
            async with _Asking(settings) as asking:
                await asyncio.sleep(2)
                active.signal(number)
                await standby.logged("active: deciding")
                await asyncio.sleep(2)
            pauses.append(asking.pause())
            await active.kill()
            active, standby = standby, Coordinator(settings, folder)
        await active.kill()
        print(f"without decisions when {way}: p50 {statistics.median(pauses):.2f} s, max {max(pauses):.2f} s ({kills})")


class _Asking:
    """Requests at a steady pace; decisions are counted when they are seen."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asked: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        self.desk = Desk(self._settings, await load_codec(self._settings), from_end=True)
        self._open = self.desk.open()
        await self._open.__aenter__()
        self._task = asyncio.create_task(self._ask(await self.desk.account()))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        await asyncio.sleep(1)
        await self._open.__aexit__(None, None, None)

    async def _ask(self, account: str) -> None:
        while True:
            request = images(account, "nobody-has-it")
            await self.desk.write(request)
            self._asked[request.request.request_id] = time.monotonic()
            await asyncio.sleep(PACE)

    def waits(self) -> str:
        """Milliseconds from acknowledgement to decision."""
        arrived = self.desk.arrived_at
        waits = sorted(1000 * (arrived[name] - at) for name, at in self._asked.items() if name in arrived)
        p99 = waits[int(len(waits) * 0.99)]
        return f"p50 {statistics.median(waits):.1f} ms, p99 {p99:.1f} ms, max {waits[-1]:.1f} ms of {len(waits)}"

    def pause(self) -> float:
        """The longest time between two decisions, seconds."""
        times = sorted(self.desk.arrived_at.values())
        return max(later - earlier for earlier, later in itertools.pairwise(times))


if __name__ == "__main__":
    asyncio.run(main())
