"""Work that is tried until it succeeds, however long something is away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

T = TypeVar("T")


async def until_done(work: Callable[[], Awaitable[T]], on: type[Exception], *, wait_max: float) -> T:
    """What `work` returns; after an error of the kind `on` it is run again, with back-off and jitter up to `wait_max` seconds.

    The first attempt goes without the machinery of the others, which costs as much time as a small query.
    """
    try:
        return await work()
    except on:
        async for attempt in stamina.retry_context(on, attempts=None, timeout=None, wait_max=wait_max):
            with attempt:
                return await work()
    raise AssertionError("retries without a limit end with a result")
