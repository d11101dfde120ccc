"""PostgreSQL as the read side uses it: a pool, and work that is tried again while the server is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import stamina

from infra.retrying import until_done

T = TypeVar("T")
_abandoned: set[asyncio.Task[Any]] = set()  # the loop itself keeps only weak references

Pool = asyncpg.Pool
_TRANSIENT = (
    OSError,  # refused, reset, no route; TimeoutError is one
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # terminated backend, shutdown, starting up
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.ReadOnlySQLTransactionError,  # the primary became a standby
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidCatalogNameError,  # the database is gone until somebody makes it again
    asyncpg.InvalidCachedStatementError,  # the tables were made again under a living connection
    asyncpg.OutdatedSchemaCacheError,
)
_ABSENT = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError)
IDLE_IN_TRANSACTION = "5s"
ACQUIRE_TIMEOUT = 10.0  # seconds to get a connection, and to give up one whose server went away in the middle


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may succeed on another connection or a little later."""
    if isinstance(error, asyncpg.InterfaceError):  # a connection that died between two statements
        return "closed" in str(error) or "connection" in str(error)
    if isinstance(error, asyncpg.InternalClientError):  # seen on one whose backend was terminated as it was taken
        return "cannot switch to state" in str(error)
    return isinstance(error, _TRANSIENT)


def is_absent(error: BaseException) -> bool:
    """Whether the read models are not there: not made yet, or lost with the database."""
    return isinstance(error, _ABSENT)


async def create_pool(
    url: str, *, max_size: int = 8, writes: bool = False, name: str = "storyreel", wait: float | None = 30
) -> Pool:
    """A pool that waits up to `wait` seconds for the server at start (None = for ever, 0 = connects at the first use).

    `writes` is for projections: their commits need no fsync, because rows and position are lost together and read again
    from the log.
    """
    settings = {"application_name": name, "jit": "off"}
    if writes:
        settings["synchronous_commit"] = "off"
        settings["idle_in_transaction_session_timeout"] = IDLE_IN_TRANSACTION  # a frozen holder of positions loses them
    attempts = 1 if wait == 0 else None
    async for attempt in stamina.retry_context(on=is_transient, attempts=attempts, timeout=wait or None, wait_max=1):
        with attempt:
            return await asyncpg.create_pool(
                url,
                min_size=0 if wait == 0 else 1,
                max_size=max_size,
                command_timeout=30,
                timeout=5,
                server_settings=settings,
                reset=_as_it_is,
            )
    raise AssertionError("the loop above returns or raises")


async def _as_it_is(_: asyncpg.Connection) -> None:
    """Nothing to undo when a connection goes back: no session state is ever set; the default costs a round trip."""


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Any]:
    """A connection inside a transaction."""
    async with pool.acquire(timeout=ACQUIRE_TIMEOUT) as connection, connection.transaction():
        yield connection


async def retrying(work: Callable[[], Awaitable[T]], *, timeout: float | None) -> T:
    """Run `work` until it succeeds, with back-off from 20 ms to 1 s while PostgreSQL is away; None never gives up.

    `work` is one whole transaction and idempotent: a lost answer to its commit looks like a failure. After `timeout`
    seconds, also of one attempt that hangs, the last error is raised (`TimeoutError` if there was none).
    """
    trying = asyncio.create_task(_retrying(work, timeout))
    try:
        await asyncio.wait({trying}, timeout=timeout)
        if trying.done():
            return trying.result()
    finally:
        if not trying.done():
            _abandon(trying)
    raise TimeoutError(f"PostgreSQL did not answer within {timeout:g} s")


def _abandon(trying: asyncio.Task[Any]) -> None:
    """Cancel without waiting: a connection is given back only once the server has confirmed that its query ended."""
    _abandoned.add(trying)
    trying.add_done_callback(_forget)
    trying.cancel()


def _forget(ended: asyncio.Task[Any]) -> None:
    _abandoned.discard(ended)
    if not ended.cancelled():
        ended.exception()  # nobody else asks for it


async def _retrying(work: Callable[[], Awaitable[T]], timeout: float | None) -> T:
    return await until_done(work, is_transient, timeout=timeout, wait_initial=0.02, wait_max=1, wait_jitter=0.05)
