"""An iterator that is one item ahead of whoever uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

T = TypeVar("T")


async def ahead(items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The same items in the same order; while one is used the next one is made, no more than that.

    Raises what `items` raises, after the items made before. Close it (`aclosing`) to end both.
    """

    async def following() -> tuple[T] | None:
        async for item in items:
            return (item,)
        return None

    making = asyncio.create_task(following())
    try:
        while (made := await making) is not None:
            making = asyncio.create_task(following())
            yield made[0]
    finally:
        making.cancel()
        await asyncio.wait({making})
        if not making.cancelled():
            making.exception()  # who stopped early did not want the item, nor why there was none
        await items.aclose()
