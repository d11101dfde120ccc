"""Resident memory of every process of the stack while tasks go through it.

Tasks are asked for in portions, each completed before the next; after each the memory is read. Growth counts from a tenth of the
tasks on: until then caches fill and allocators settle.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.benchmarks.client import Load, Order
from tests.benchmarks.figures import Figure, Options
from tests.benchmarks.product import Product, running_product

TASKS = 100_000
PORTIONS = 10
CONNECTIONS = 32
GROWTH_MB = 50


async def measure(options: Options) -> list[Figure]:
    """One run: memory grows only once."""
    tasks = options.count(TASKS, 1_000)
    with tempfile.TemporaryDirectory(prefix="storyreel-memory-") as folder:
        Path(folder).chmod(0o711)
        async with running_product(Path(folder) / "stack") as product:
            seen: list[dict[str, float]] = []
            for number in range(PORTIONS):
                await _portion(product, number * tasks // PORTIONS, tasks // PORTIONS)
                seen.append(resident(product.processes()))
                shown = ", ".join(f"{name} {mb:.0f}" for name, mb in seen[-1].items())
                options.say(f"MB after {(number + 1) * tasks // PORTIONS:,} tasks: {shown}")
    return [
        Figure(
            name=f"growth from {tasks // PORTIONS:,} to {tasks:,} tasks, {name}",
            unit="MB",
            runs=[mb - seen[0][name]],
            limit=GROWTH_MB,
            better="less",
            note=f"{mb:.0f} MB at the end",
        )
        for name, mb in seen[-1].items()
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
