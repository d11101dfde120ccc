"""Read models from the log in bulk, as `storyreel projections rebuild` does it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from msgspec import Struct

from infra.local.stack import LocalStack, StackOptions
from projections.bulk.rebuild import Rebuilt, rebuild_beside
from projections.migrate import migrate
from projections.postgres import create_pool
from schemas.topics import TOPICS
from tests.benchmarks.figures import Figure, Options
from tests.benchmarks.live_read_models import read, told
from tests.benchmarks.rebuild import write

MILLION = 1_000_000
QUIX_EVENTS = 100_000  # it reads a log again as it follows one: a part shows how fast


async def measure(options: Options) -> list[Figure]:
    """The same log in every run, into a fresh schema that replaces the one before."""
    wanted = options.count(MILLION, 20_000)
    seen = Seen()
    with tempfile.TemporaryDirectory(prefix="storyreel-rebuild-") as folder:
        async with LocalStack(Path(folder), options=StackOptions(topics=TOPICS)) as stack:
            seen.bytes_each = await write(stack.settings, wanted)
            pool = await create_pool(stack.settings.database_url, writes=True)
            await migrate(pool)
            await pool.close()
            for _ in range(options.runs):
                busy, began = time.process_time(), time.monotonic()
                done = await rebuild_beside(stack.settings, lambda *_: None)
                seen.add(done, time.process_time() - busy, time.monotonic() - began)
                options.say(f"{done.records:,} events into {done.rows:,} rows: {seen.told()}")
                options.keep(seen.figures())
            part = min(QUIX_EVENTS, wanted // 2)
            for _ in range(options.runs):
                quix = await read(stack.settings, "quix", part)
                seen.quix.append(quix.events / quix.seconds)
                options.say(f"quix-streams, {quix.events:,} of the same events: {told(quix)}")
                options.keep(seen.figures())
    return seen.figures()


class Seen(Struct):
    """What the runs measured: events a second of CPU time and by the clock, seconds a million events and of these folding."""

    bytes_each: float = 0.0
    of: int = 0
    cpu: list[float] = []
    rates: list[float] = []
    clock: list[float] = []
    folding: list[float] = []
    quix: list[float] = []

    def add(self, done: Rebuilt, cpu: float, seconds: float) -> None:
        """One rebuild."""
        self.of = done.records
        self.cpu.append(done.records / cpu)
        self.rates.append(done.records / seconds)
        self.clock.append(seconds * MILLION / done.records)
        self.folding.append(done.fold_s * MILLION / done.records)

    def told(self) -> str:
        """The last run in words."""
        return f"{self.cpu[-1]:,.0f} a second of CPU time, {self.rates[-1]:,.0f} by the clock"

    def figures(self) -> list[Figure]:
        """All so far."""
        size = f"{self.bytes_each:.0f} bytes of Avro each"
        return [
            Figure(name="bulk rebuild, events a second of CPU time", unit="/s", runs=self.cpu, limit=25_000, note=size),
            Figure(
                name="bulk rebuild of 1,000,000 events",
                unit="s",
                runs=self.clock,
                limit=40,
                better="less",
                note=f"of {self.of:,}",
            ),
            Figure(name="of these folding", unit="s", runs=self.folding, better="less"),
            Figure(name="events by the clock, beside quix-streams", unit="/s", runs=self.rates, baseline=self.quix),
        ]
