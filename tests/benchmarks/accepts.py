"""The product and its peer under the same load, one after the other in every run."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from tests.benchmarks import cpu
from tests.benchmarks.client import Order, Seen
from tests.benchmarks.comparison import PEER, PRODUCT, Load, comparison
from tests.benchmarks.figures import Figure, Options
from tests.benchmarks.peer.side import running_peer
from tests.benchmarks.product import running_product
from tests.benchmarks.profiles import profiled
from tests.benchmarks.sides import Side

CONNECTIONS = (32, 128)
IDLE_S = 5
DRAIN_S = 300.0


@asynccontextmanager
async def _running(name: str) -> AsyncIterator[Side]:
    """One side on an empty machine: beside the idle product a peer would be measured too slow."""
    with tempfile.TemporaryDirectory(prefix="storyreel-bench-") as made:
        Path(made).chmod(0o711)
        running = running_product if name == PRODUCT else running_peer
        async with running(Path(made) / name) as side:
            yield side


async def measure(options: Options) -> list[Figure]:
    """Figures of both sides, whose runs alternate; what each has stored is checked after every run."""
    book = Book(options)
    for number in range(options.runs):
        for name in (PRODUCT, PEER) if number % 2 == 0 else (PEER, PRODUCT):
            async with _running(name) as side:
                await book.run(side)
    if options.profile:
        async with _running(PRODUCT) as side:
            await book.profile(side)
    return comparison(book.loads, book.singles, book.idle)


class Book:
    """All loads so far, by side."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._seeds = 0
        self.loads: dict[tuple[str, int], list[Load]] = {}
        self.singles: dict[str, list[float]] = {}
        self.idle: dict[str, list[cpu.Times]] = {}

    async def warm(self, side: Side) -> None:
        """Java and Python have seen the work before it is measured."""
        await self._load(side, 32, self._options.count(600, 100))
        await self._singles_of(side, 10)
        self._options.say(f"{side.name}: warm")

    async def run(self, side: Side) -> None:
        """Every load once."""
        options = self._options
        await self.warm(side)
        self.idle.setdefault(side.name, []).append(await self._idle_of(side))
        singles = await self._singles_of(side, options.count(100, 20))
        self.singles.setdefault(side.name, []).append(singles)
        options.say(f"{side.name}: single task {singles:.1f} ms")
        for connections in CONNECTIONS:
            load = await self._load(side, connections, options.count(1_500, 300))
            self.loads.setdefault((side.name, connections), []).append(load)
            options.say(f"{side.name}: {connections} connections: {_line(load)}")
        options.say(f"{side.name}: {await side.rested()}")

    async def profile(self, side: Side) -> None:
        """The load at 32 connections once more, slowed down by a profiler."""
        await self.warm(side)
        async with profiled(side.processes(), self._options.folder / "profile"):
            load = await self._load(side, 32, self._options.count(1_500, 300))
        self._options.say(f"{side.name}, profiled: {_line(load)}")

    async def _load(self, side: Side, connections: int, requests: int) -> Load:
        roots, done = side.processes(), await side.completed()
        before, began = cpu.cpu_times(roots), asyncio.get_running_loop().time()
        seen = await self._client(side, _order(side, requests, connections))
        accepted = cpu.used(before, cpu.cpu_times(roots)) | {"client": seen.cpu_s}
        async with asyncio.timeout(DRAIN_S):
            while await side.completed() < done + requests:
                if side.processes() != roots:
                    raise RuntimeError(f"a process of {side.name} ended under load; logs are in {side.logs}")
                await asyncio.sleep(0.05)
        seconds = asyncio.get_running_loop().time() - began
        used = cpu.used(before, cpu.cpu_times(roots)) | {"client": seen.cpu_s}
        return Load(
            seen=seen,
            tasks_per_s=requests / seconds,
            cpu_ms={name: 1000 * spent / requests for name, spent in used.items()},
            accept_ms={name: 1000 * spent / requests for name, spent in accepted.items()},
        )

    async def _singles_of(self, side: Side, requests: int) -> float:
        seen = await self._client(side, _order(side, requests, mode="single"))
        return statistics.median(seen.whole_ms)

    async def _client(self, side: Side, order: Order) -> Seen:
        order.first_seed = self._seeds
        self._seeds += order.requests
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.benchmarks.client"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        written, _ = await process.communicate(msgspec.json.encode(order))
        if process.returncode != 0:
            raise RuntimeError(f"the client of {side.name} failed; logs are in {side.logs}")
        return msgspec.json.decode(written, type=Seen)

    async def _idle_of(self, side: Side) -> cpu.Times:
        """Share of one core that a side uses while nothing is asked of it."""
        before = cpu.cpu_times(side.processes())
        seconds = self._options.count(IDLE_S, 1)
        await asyncio.sleep(seconds)
        return {name: spent / seconds for name, spent in cpu.used(before, cpu.cpu_times(side.processes())).items()}


def _order(side: Side, requests: int, connections: int = 1, mode: Literal["accepts", "single"] = "accepts") -> Order:
    url = urlsplit(side.base_url)
    assert url.hostname is not None
    assert url.port is not None
    return Order(
        host=url.hostname, port=url.port, keys=side.keys, requests=requests, connections=connections, mode=mode
    )


def _line(load: Load) -> str:
    parts = ", ".join(f"{name} {ms:.2f}" for name, ms in sorted(load.cpu_ms.items(), key=lambda item: -item[1]))
    return (
        f"{load.accepts:.0f} accepts/s, p50 {load.post_ms(0.5):.0f} ms, p99 {load.post_ms(0.99):.0f} ms, "
        f"{load.tasks_per_s:.0f} tasks/s, asked again {load.seen.again}, client {load.seen.cpu_s / load.seen.seconds:.0%} of a core; "
        f"CPU ms a task {sum(load.cpu_ms.values()):.2f}: {parts}"
    )
