"""The live path of the read models: Faust with the folds into PostgreSQL, beside the same app with empty handlers."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from infra.local.stack import LocalStack, StackOptions
from infra.settings import Settings
from schemas.topics import TOPICS
from tests.benchmarks.figures import Figure, Options
from tests.benchmarks.reader_side import Reading
from tests.benchmarks.rebuild import TRANSACTION, write

ROOT = Path(__file__).parents[2]
EVENTS_A_TRANSACTION = 7 * TRANSACTION  # of a picture


async def measure(options: Options) -> list[Figure]:
    """Every run reads the whole log with each of the sides, one after another."""
    with tempfile.TemporaryDirectory(prefix="storyreel-live-") as folder:
        async with LocalStack(Path(folder), options=StackOptions(topics=TOPICS)) as stack:
            events = options.count(70, 7) * EVENTS_A_TRANSACTION
            await write(stack.settings, events)
            live, empty = [], []
            for _ in range(options.runs):
                empty.append(await read(stack.settings, "empty", events))
                live.append(await read(stack.settings, "live", events))
                options.say(f"of {events:,} events: {told(live[-1])} live, {told(empty[-1])} with empty handlers")
            return figures(live, empty)


def told(done: Reading) -> str:
    """In words."""
    return f"{done.events / done.seconds:,.0f}/s ({1e6 * done.cpu / done.events:.0f} µs of CPU each)"


def figures(live: list[Reading], empty: list[Reading]) -> list[Figure]:
    """The ratios are what counts: speeds depend on what else the machine does."""
    rates, rates_empty = ([done.events / done.seconds for done in side] for side in (live, empty))
    cost, cost_empty = ([1e6 * done.cpu / done.events for done in side] for side in (live, empty))
    return [
        Figure(
            name="live path, beside empty handlers",
            unit="events/s",
            runs=rates,
            baseline=rates_empty,
            limit=0.6,
            of_baseline=True,
        ),
        Figure(name="CPU an event, live", unit="µs", runs=cost, baseline=cost_empty, better="less"),
    ]


async def read(settings: Settings, kind: str, events: int, environ: Mapping[str, str] | None = None) -> Reading:
    """One side in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.reader_side", kind, str(events)),
        cwd=ROOT,
        env={**os.environ, **settings.to_env(), **(environ or {})},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the reader {kind!r} ended with status {process.returncode}")
    return msgspec.json.decode(output.splitlines()[-1], type=Reading)
