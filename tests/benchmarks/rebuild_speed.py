"""Read models from the log in bulk, as `storyreel projections rebuild` does it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from infra.local.stack import LocalStack, StackOptions
from projections.bulk.rebuild import rebuild_beside
from projections.migrate import migrate
from projections.postgres import create_pool
from schemas.topics import TOPICS
from tests.benchmarks.figures import Figure, Options
from tests.benchmarks.rebuild import write

MILLION = 1_000_000


async def measure(options: Options) -> list[Figure]:
    """The same log in every run, into a fresh schema that replaces the one before."""
    wanted = options.count(MILLION, 20_000)
    cpu, clock, folding = list[float](), list[float](), list[float]()
    with tempfile.TemporaryDirectory(prefix="storyreel-rebuild-") as folder:
        async with LocalStack(Path(folder), options=StackOptions(topics=TOPICS)) as stack:
            await write(stack.settings, wanted)
            pool = await create_pool(stack.settings.database_url, writes=True)
            await migrate(pool)
            await pool.close()
            for _ in range(options.runs):
                busy, began = time.process_time(), time.monotonic()
                done = await rebuild_beside(stack.settings, lambda *_: None)
                cpu.append(done.records / (time.process_time() - busy))
                clock.append((time.monotonic() - began) * MILLION / done.records)
                folding.append(done.fold_s * MILLION / done.records)
                options.say(f"{done.records:,} events into {done.rows:,} rows: {cpu[-1]:,.0f} a second of CPU time")
    return [
        Figure(name="bulk rebuild, events a second of CPU time", unit="/s", runs=cpu, limit=25_000),
        Figure(
            name="bulk rebuild of 1,000,000 events",
            unit="s",
            runs=clock,
            limit=40,
            better="less",
            note=f"of {wanted:,}",
        ),
        Figure(name="of these folding", unit="s", runs=folding, better="less"),
    ]
