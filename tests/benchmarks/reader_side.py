"""Faust over a log that is there already, in a process of its own: `python -m tests.benchmarks.reader_side KIND EVENTS`.

`live` is the app of the read models, `empty` the same app whose agents do nothing with what they get, `plain` the empty one with
Faust's own way of queuing and decoding a record in place of the product's shorter ones. All start at the first record and print events, seconds from the first of them to the last, and the CPU time of that span as JSON.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from msgspec import Struct

from infra.registry import load_codec
from infra.settings import Settings
from projections.apply import Ports
from projections.catch_up import Reader, partitions_of
from projections.decoding import Decoder
from projections.migrate import migrate
from projections.postgres import create_pool
from projections.rebuild import already_reported
from projections.table import SCHEMA
from projections.tables import PROJECTED
from streams.read_models.app import Deps, create_app
from streams.read_models.feed import Feed
from streams.read_models.transport import RawSchema, ReadModelConsumer


class Reading(Struct, frozen=True):
    """What a reader did: seconds by the clock and of CPU time of its process."""

    events: int
    seconds: float
    cpu: float


class Clock:
    """From the first event to the last, of which `over` is told once."""

    def __init__(self, events: int, over: Callable[[Reading], None]) -> None:
        self._events = self._missing = events
        self._over = over
        self._began: tuple[float, float] | None = None

    def begin(self) -> None:
        """The first event is there."""
        if self._began is None:
            self._began = time.monotonic(), time.process_time()

    def count(self, events: int) -> None:
        """So many more are done."""
        before, self._missing = self._missing, self._missing - events
        if self._missing <= 0 < before:
            assert self._began is not None
            seconds, cpu = time.monotonic() - self._began[0], time.process_time() - self._began[1]
            self._over(Reading(events=self._events, seconds=seconds, cpu=cpu))


class TimedFeed(Feed):
    """The worker's feed."""

    clock: Clock

    async def _apply(self, number: int, messages: Any) -> Any:
        self.clock.begin()
        done = await super()._apply(number, messages)
        self.clock.count(len(messages))
        return done


class EmptyFeed(Feed):
    """An agent as Faust's documentation shows it, with nothing in its loop."""

    clock: Clock

    async def drain(self, stream: Any) -> None:
        async for _ in stream:
            self.clock.begin()
            self.clock.count(1)


KINDS: dict[str, type[Feed]] = {"live": TimedFeed, "empty": EmptyFeed, "plain": EmptyFeed}


@asynccontextmanager
async def fresh_reader(settings: Settings) -> AsyncIterator[Reader]:
    """Read models without rows."""
    pool = await create_pool(settings.database_url, writes=True, name="storyreel-benchmark")
    try:
        await pool.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        await migrate(pool)
        decoder = Decoder(await load_codec(settings), settings)
        yield Reader(settings, pool, decoder, Ports(lambda *_: None, already_reported))
    finally:
        await pool.close()


async def follow(kind: str, settings: Settings, events: int) -> Reading:
    """Read that many events with Faust."""
    if kind == "plain":
        del ReadModelConsumer.wait_first, RawSchema.compile
    async with fresh_reader(settings) as reader:
        partitions = await partitions_of(settings, [topic.name for topic in PROJECTED])
        over: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
        EmptyFeed.clock = TimedFeed.clock = Clock(events, over.set_result)
        app = create_app(settings, Deps(reader, partitions, lambda: None), KINDS[kind])
        running = [asyncio.create_task(feed.run()) for feed in app.feeds]
        running.append(asyncio.create_task(app.start()))
        reading = await over
        await app.stop()
        return reading


if __name__ == "__main__":
    found = asyncio.run(follow(sys.argv[1], Settings.from_env(os.environ), int(sys.argv[2])))
    print(msgspec.json.encode(found).decode(), flush=True)
    os._exit(0)  # Faust's threads may outlive its stop
