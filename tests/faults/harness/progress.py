"""One live line while a run goes on; plain lines where there is no terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rich.console import Console
from rich.status import Status

EVERY_S, PLAIN_S = 0.5, 10.0


@asynccontextmanager
async def progress(console: Console, line: Callable[[], str]) -> AsyncIterator[None]:
    """Show `line()` again and again for the time of the block."""
    showing = asyncio.create_task(_live(console, line) if console.is_terminal else _plain(console, line))
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)


def elapsed(began: float) -> str:
    """Minutes and seconds since a monotonic time."""
    seconds = int(time.monotonic() - began)
    return f"{seconds // 60}:{seconds % 60:02d}"


async def _live(console: Console, line: Callable[[], str]) -> None:
    with Status(line(), console=console) as status:
        while True:
            await asyncio.sleep(EVERY_S)
            status.update(line())


async def _plain(console: Console, line: Callable[[], str]) -> None:
    while True:
        await asyncio.sleep(PLAIN_S)
        console.print(line(), highlight=False, soft_wrap=True)
