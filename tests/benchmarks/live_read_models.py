"""The live path of the read models: Faust with the folds into PostgreSQL.

Beside it the same app with empty handlers, with the product's changes to Faust and without those that only save time, and
quix-streams with the same folds into the same tables.
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
            sides: dict[str, list[Reading]] = {"plain": [], "empty": [], "live": [], "quix": []}
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


def figures(live: list[Reading], empty: list[Reading], plain: list[Reading], quix: list[Reading]) -> list[Figure]:
    """The ratios are what counts: speeds depend on what else the machine does."""
    beside = {"empty handlers": empty, "empty handlers of Faust as it is": plain, "quix-streams": quix}
    return [figure for name, others in beside.items() for figure in _beside(name, live, others)]


def _beside(name: str, live: list[Reading], others: list[Reading]) -> list[Figure]:
    rates, rates_others = ([done.events / done.seconds for done in side] for side in (live, others))
    cost, cost_others = ([1e6 * done.cpu / done.events for done in side] for side in (live, others))
    return [
        Figure(
            name=f"live path, beside {name}",
            unit="events/s",
            runs=rates,
            baseline=rates_others,
            limit=0.6 if name == "empty handlers" else None,
            of_baseline=True,
        ),
        Figure(name=f"CPU an event, beside {name}", unit="µs", runs=cost, baseline=cost_others, better="less"),
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
