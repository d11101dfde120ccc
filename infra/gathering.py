"""Questions that are asked while one is being answered go together into the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Gathered(Generic[K, V]):
    """One query at a time, each for all keys that were asked for before it began: a question alone waits for nobody, a
    thousand cost a few queries. No answer is older than its question.

    `ask` answers at most `limit` keys; those it leaves out have the answer None.
    """

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], limit: int = 500) -> None:
        self._ask, self._limit = ask, limit
        self._waiting: list[tuple[K, asyncio.Future[V | None]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """The answer for one key. Raises what the query raised that it was part of."""
        future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, future))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())
        return await future

    async def _ask_all(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
            open_ = [(key, future) for key, future in taken if not future.done()]
            if open_:
                await self._answer(open_)
        self._asking = None

    async def _answer(self, asked: Sequence[tuple[K, asyncio.Future[V | None]]]) -> None:
        found: Mapping[K, V] = {}
        failure: Exception | None = None
        try:
            found = await self._ask(list(dict.fromkeys(key for key, _ in asked)))
        except Exception as error:  # everybody who asked gets it
            failure = error
        for key, future in asked:
            if future.done():
                continue
            if failure is None:
                future.set_result(found.get(key))
            else:
                future.set_exception(failure)
