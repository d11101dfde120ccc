"""The process that keeps the read models: catch up in bulk, then follow with Faust until told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from aiokafka.errors import KafkaError

from infra.keystore import open_keystore
from infra.ready import mark_ready
from infra.registry import load_codec
from infra.settings import Settings
from projections.apply import Partition, Ports
from projections.catch_up import Reader, TruncatedError, catch_up_all
from projections.decoding import Decoder
from projections.drift.check import watch_drift
from projections.migrate import migrate
from projections.postgres import Pool, create_pool, retrying
from projections.selection import GapError
from projections.unsealing import keystore_unseal
from schemas.errors import InfrastructureError
from streams.inspection import Inspector
from streams.read_models.app import Deps, create_app
from streams.read_models.bridge import bridge
from streams.read_models.dead_letters import DeadLetterOffice
from streams.read_models.keeper import Keeper
from streams.read_models.transport import ReadModelApp

log = logging.getLogger(__name__)
UNEXPECTED = 70  # exit status; the supervisor starts the process again
_STOP_TIMEOUT = 3.0
_PAUSE = 0.5
_MAY_END = ("stop signal", "start of Faust", "bridge")

T = TypeVar("T")


async def run(settings: Settings, environ: Mapping[str, str], stop: asyncio.Event) -> int:
    """Run until `stop` is set; returns the exit status. Raises what keeps it from starting other than an outage."""
    async with AsyncExitStack() as stack:
        stopping = asyncio.create_task(stop.wait(), name="stop signal")
        preparing = asyncio.create_task(_prepare(settings, environ, stack), name="start")
        await asyncio.wait({stopping, preparing}, return_when=asyncio.FIRST_COMPLETED)
        if not preparing.done():
            preparing.cancel()
            await asyncio.wait({preparing})
            return 0
        reader, partitions = await preparing
        reading = asyncio.Event()
        codec = await _patiently(lambda: load_codec(settings))
        app = create_app(settings, Deps(reader, partitions, reading.set))
        watched = {
            stopping,
            asyncio.create_task(bridge(reader, partitions, reading), name="bridge"),
            asyncio.create_task(Keeper(reader, partitions).run(), name="keeper"),
            asyncio.create_task(Inspector(settings, codec).run(), name="inspector"),
            asyncio.create_task(watch_drift(reader, partitions, settings.drift_interval), name="drift"),
        }
        mark_ready(environ)
        return await _follow(app, watched, stop)


async def _prepare(
    settings: Settings, environ: Mapping[str, str], stack: AsyncExitStack
) -> tuple[Reader, list[Partition]]:
    """Everything open and the rows up to date; waits for what is away."""
    pool = await stack.enter_async_context(_pool(settings))
    keystore = open_keystore(settings, environ)
    stack.callback(keystore.close)
    await retrying(lambda: migrate(pool), timeout=None)
    decoder = Decoder(await _patiently(lambda: load_codec(settings)), settings)
    reader = Reader(settings, pool, decoder, Ports(keystore_unseal(keystore), DeadLetterOffice(settings)))
    return reader, await _patiently(lambda: catch_up_all(reader))


async def _patiently(step: Callable[[], Awaitable[T]]) -> T:
    """Repeat a step of the start while Kafka or the registry is away; a log with a hole is no outage."""
    while True:
        try:
            return await step()
        except (GapError, TruncatedError):
            raise
        except (KafkaError, InfrastructureError) as error:
            log.warning("%s; trying again", error)
            await asyncio.sleep(_PAUSE)


async def _follow(app: ReadModelApp, watched: set[asyncio.Task[Any]], stop: asyncio.Event) -> int:
    watched |= {asyncio.create_task(feed.run(), name=f"feed {feed.topic}") for feed in app.feeds}
    watched |= {
        asyncio.create_task(app.start(), name="start of Faust"),
        asyncio.create_task(_crashed(app), name="Faust"),
    }
    while not stop.is_set():
        ended, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            if task.get_name() not in _MAY_END or task.exception():
                log.critical("read models: %s ended", task.get_name(), exc_info=task.exception())
                logging.shutdown()
                os._exit(UNEXPECTED)  # nothing may be acknowledged on the way out
    for task in watched:
        task.cancel()
    given_up = threading.Timer(_STOP_TIMEOUT, _leave)
    given_up.daemon = True
    given_up.start()
    await app.stop()
    given_up.cancel()
    return 0


def _leave() -> None:
    """End the process from a thread of its own: a Faust that is stopped while it starts may block the loop for ever."""
    log.warning("Faust did not stop within %g s", _STOP_TIMEOUT)
    logging.shutdown()
    os._exit(0)  # all that matters is in PostgreSQL


async def _crashed(app: ReadModelApp) -> None:
    """Ends, by raising, when a service of the app has crashed or the app has stopped by itself."""
    result = await app.wait(asyncio.Event().wait())
    raise RuntimeError(f"Faust stopped: {app.crash_reason or result!r}")


@asynccontextmanager
async def _pool(settings: Settings) -> AsyncIterator[Pool]:
    pool = await create_pool(settings.database_url, max_size=8, writes=True, name="storyreel-read-models", wait=None)
    try:
        yield pool
    finally:
        pool.terminate()
