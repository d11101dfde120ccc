"""Many questions at once cost few queries, and nobody gets an answer from before the question."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from infra.gathering import Gathered


class Shelf:
    """Answers when it is let; counts its queries."""

    def __init__(self) -> None:
        self.things: dict[str, int] = {}
        self.queries: list[list[str]] = []
        self.open = asyncio.Event()

    async def ask(self, keys: Sequence[str]) -> dict[str, int]:
        self.queries.append(list(keys))
        if "bad" in keys:
            raise LookupError("bad")
        found = {key: self.things[key] for key in keys if key in self.things}
        await self.open.wait()
        return found


async def _begun(shelf: Shelf, queries: int) -> None:
    async with asyncio.timeout(10):
        while len(shelf.queries) < queries:
            await asyncio.sleep(0)


async def test_questions_asked_meanwhile_go_together_into_the_next_query() -> None:
    shelf = Shelf()
    gathered = Gathered(shelf.ask, limit=3)
    first = asyncio.create_task(gathered.get("a"))
    await _begun(shelf, 1)
    shelf.things = {"a": 1, "b": 2}
    later = [asyncio.create_task(gathered.get(key)) for key in ("a", "b", "a", "c")]
    await asyncio.sleep(0)
    assert shelf.queries == [["a"]], "one query at a time"
    shelf.open.set()
    assert await first is None, "the query began before there was an a"
    assert await asyncio.gather(*later) == [1, 2, 1, None]
    assert shelf.queries == [["a"], ["a", "b"], ["c"]]


async def test_a_failure_reaches_those_who_asked_and_nobody_else() -> None:
    shelf = Shelf()
    shelf.open.set()
    gathered = Gathered(shelf.ask)
    answers = await asyncio.gather(gathered.get("bad"), gathered.get("a"), return_exceptions=True)
    assert all(isinstance(answer, LookupError) for answer in answers)
    assert await gathered.get("a") is None


async def test_who_gives_up_asking_holds_up_nobody() -> None:
    shelf = Shelf()
    gathered = Gathered(shelf.ask)
    shelf.things = {"b": 2}
    first = asyncio.create_task(gathered.get("a"))
    await _begun(shelf, 1)
    gone, stays = asyncio.create_task(gathered.get("gone")), asyncio.create_task(gathered.get("b"))
    await asyncio.sleep(0)
    gone.cancel()
    first.cancel()
    shelf.open.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await stays == 2
    assert shelf.queries == [["a"], ["b"]]
