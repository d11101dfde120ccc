"""Work that is tried until it succeeds, or for some time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from schemas.errors import InfrastructureError

T = TypeVar("T")


async def until_done(
    work: Callable[[], Awaitable[T]],
    on: Callable[[Exception], bool],
    *,
    timeout: float | None = None,
    wait_initial: float = 0.1,
    wait_max: float = 5.0,
    wait_jitter: float = 1.0,
) -> T:
    """What `work` returns; after an error that `on` agrees to it is run again, with back-off and jitter, all in seconds.

    The last error is raised when `timeout` seconds have passed; None never gives up. The first attempt goes without the
    machinery of the others, which costs as much time as a small query.
    """
    try:
        return await work()
    except Exception as error:
        if not on(error):
            raise
    async for attempt in stamina.retry_context(
        on, attempts=None, timeout=timeout, wait_initial=wait_initial, wait_max=wait_max, wait_jitter=wait_jitter
    ):
        with attempt:
            return await work()
    raise AssertionError("the loop above returns or raises")


def is_away(error: Exception) -> bool:
    """Whether a part of the infrastructure is away, which passes by itself."""
    return isinstance(error, InfrastructureError)
