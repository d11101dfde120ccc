"""The live path of the read models: Faust with the folds into PostgreSQL.

Beside it the same app with empty handlers, and quix-streams with the same folds into the same tables.
"""

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
from tests.benchmarks.tools import packages

ROOT = Path(__file__).parents[2]
EVENTS_A_TRANSACTION = 7 * TRANSACTION  # of a picture


async def measure(options: Options) -> list[Figure]:
    """Every run reads the whole log with each of the sides, one after another."""
    with tempfile.TemporaryDirectory(prefix="storyreel-live-") as folder:
        async with LocalStack(Path(folder), options=StackOptions(topics=TOPICS)) as stack:
            events = options.count(70, 7) * EVENTS_A_TRANSACTION
            await write(stack.settings, events)
            sides: dict[str, list[Reading]] = {"empty": [], "live": [], "quix": []}
            for _ in range(options.runs):
                for kind, done in sides.items():
                    done.append(await read(stack.settings, kind, events))
                options.say(
                    f"{events:,} events: " + ", ".join(f"{kind} {told(done[-1])}" for kind, done in sides.items())
                )
                options.keep(figures(**sides))
            return figures(**sides)


def told(done: Reading) -> str:
    """In words."""
    return f"{done.events / done.seconds:,.0f}/s ({1e6 * done.cpu / done.events:.0f} µs of CPU each)"


def figures(live: list[Reading], empty: list[Reading], quix: list[Reading]) -> list[Figure]:
    """The ratios are what counts: speeds depend on what else the machine does."""
    rates, rates_empty, rates_quix = ([done.events / done.seconds for done in side] for side in (live, empty, quix))
    cost, cost_empty, cost_quix = ([1e6 * done.cpu / done.events for done in side] for side in (live, empty, quix))
    return [
        Figure(
            name="live path, beside empty handlers",
            unit="events/s",
            runs=rates,
            baseline=rates_empty,
            limit=0.6,
            of_baseline=True,
        ),
        Figure(name="CPU an event, beside empty handlers", unit="µs", runs=cost, baseline=cost_empty, better="less"),
        Figure(name="live path, beside quix-streams", unit="events/s", runs=rates, baseline=rates_quix),
        Figure(name="CPU an event, beside quix-streams", unit="µs", runs=cost, baseline=cost_quix, better="less"),
    ]


async def read(settings: Settings, kind: str, events: int, environ: Mapping[str, str] | None = None) -> Reading:
    """One side in a process of its own."""
    words, path = ["tests.benchmarks.reader_side", kind], dict[str, str]()
    if kind == "quix":
        words, path = ["tests.benchmarks.quix_side"], {"PYTHONPATH": str(packages("quix"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *words, str(events)),
        cwd=ROOT,
        env={**os.environ, **settings.to_env(), **path, **(environ or {})},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the reader {kind!r} ended with status {process.returncode}")
    return msgspec.json.decode(output.splitlines()[-1], type=Reading)
