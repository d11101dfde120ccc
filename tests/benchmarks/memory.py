"""Resident memory of every process of the stack while tasks go through it.

Tasks are asked for in portions, each completed before the next; after each the memory is read. Growth counts from a tenth of the
tasks on: until then caches fill and allocators settle. The broker's heap is what its virtual machine says of it.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.benchmarks.client import Load, Order
from tests.benchmarks.figures import Figure, Options
from tests.benchmarks.garbage import Collections, collections, log_of, logged
from tests.benchmarks.product import Product, running_product

TASKS = 100_000
PORTIONS = 10
CONNECTIONS = 32
GROWTH_MB = 50
HEAP_MB = 512  # of the broker


async def measure(options: Options) -> list[Figure]:
    """One run: memory grows only once."""
    tasks = options.count(TASKS, 1_000)
    with tempfile.TemporaryDirectory(prefix="storyreel-memory-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with logged(folder):
            async with running_product(folder / "stack") as product:
                seen: list[dict[str, float]] = []
                for number in range(PORTIONS):
                    done, began = (number + 1) * tasks // PORTIONS, time.monotonic()
                    await _portion(product, number * tasks // PORTIONS, tasks // PORTIONS)
                    rate = tasks / PORTIONS / (time.monotonic() - began)
                    seen.append(resident(product.processes()))
                    shown = ", ".join(f"{name} {mb:.0f}" for name, mb in seen[-1].items())
                    options.say(f"MB after {done:,} tasks ({rate:.0f}/s): {shown}")
                    broker = collections(log_of(folder, product.processes()["kafka"]))
                    found = [*_growth(seen, tasks // PORTIONS, done), *_heap(broker)]
                    options.keep(found)
    return found


def _growth(seen: Sequence[Mapping[str, float]], first: int, done: int) -> list[Figure]:
    return [
        Figure(
            name=f"growth from {first:,} to {done:,} tasks, {name}",
            unit="MB",
            runs=[mb - seen[0][name]],
            limit=GROWTH_MB,
            better="less",
            note=f"{mb:.0f} MB at the end",
        )
        for name, mb in seen[-1].items()
    ]


def _heap(broker: Collections) -> list[Figure]:
    """The heap suffices when a quarter of it is free after every collection and these cost next to nothing."""
    return [
        Figure(
            name="kafka's heap in use after a collection, at most",
            unit="MB",
            runs=[broker.left_mb],
            limit=HEAP_MB * 3 / 4,
            better="less",
            note=f"of {HEAP_MB}; {broker.count} collections",
        ),
        Figure(
            name="kafka's time in collections",
            unit="%",
            runs=[broker.total_ms / max(1.0, 10 * broker.seconds)],
            limit=5,
            better="less",
            note=f"{broker.total_ms:,.0f} ms in {broker.seconds:,.0f} s",
        ),
        Figure(name="kafka's longest pause for a collection", unit="ms", runs=[broker.longest_ms], better="less"),
    ]


def resident(roots: Mapping[str, int]) -> dict[str, float]:
    """MB by name, of each process without what it started: PostgreSQL's backends share most of their memory."""
    return {name: psutil.Process(pid).memory_info().rss / 1e6 for name, pid in roots.items()}


async def _portion(product: Product, first: int, count: int) -> None:
    address, done = urlsplit(product.base_url), await product.completed()
    assert address.hostname is not None
    assert address.port is not None
    order = Order(
        host=address.hostname,
        port=address.port,
        keys=product.keys,
        requests=count,
        connections=CONNECTIONS,
        size=(512, 512),
        first_seed=first,
    )
    await Load(order).run()
    async with asyncio.timeout(600):
        while await product.completed() < done + count:
            await asyncio.sleep(0.1)
