"""Rows that are a little behind are shown, rows that were lost are not taken for an empty world."""

from __future__ import annotations

import pytest

from api.errors import ApiError
from api.live.overlay import Overlay
from api.reads import Reads
from projections.folds.task_rows import TaskRow
from schemas.ids import new_id
from schemas.tasks import TaskQueued
from schemas.topics import TASKS
from tests.unit.api.support import MemoryLog, MemoryReadModel, stamped

ME = "me"


class World:
    """A cold API over a log that holds one task, which the rows may or may not have."""

    def __init__(self) -> None:
        self.rows, self.log = MemoryReadModel(), MemoryLog()
        self.log.last = 10
        self.reads = Reads(self.log, Overlay(), self.rows, 1)
        self.task_id = new_id()
        self.keep()

    def keep(self) -> None:
        self.rows.stored = self.log.last
        self.rows.apply(stamped(TaskQueued(task_id=self.task_id), ME, 1, 1))

    def lose(self) -> None:
        self.rows.stored = 0
        self.rows.rows.clear()

    async def refused(self) -> list[bool]:
        """For a lookup, a list and a question about an old key: whether it was refused with a 503."""
        return [await self._refused(ask) for ask in ("task", "tasks", "stored")]

    async def task(self, task_id: str) -> TaskRow | None:
        return await self.reads.task(ME, task_id)

    async def _refused(self, ask: str) -> bool:
        try:
            match ask:
                case "task":
                    await self.task(self.task_id)
                case "tasks":
                    await self.reads.tasks(ME, status=None, kind=None, before=None, limit=10)
                case _:
                    await self.reads.stored_task(ME, self.task_id)
        except ApiError as error:
            return error.code == "service_unavailable" and "Retry-After" in error.headers
        return False


@pytest.fixture
def world() -> World:
    return World()


async def test_what_nobody_has_is_known_to_be_nothing(world: World) -> None:
    assert await world.task(new_id()) is None
    assert await world.refused() == [False, False, False]


async def test_lost_rows_are_refused_until_they_are_back(world: World) -> None:
    assert await world.refused() == [False, False, False]
    world.lose()
    assert await world.refused() == [True, True, True]
    assert not await world.reads.whole(TASKS.name, 0)
    world.rows.stored = world.log.last - 1
    assert await world.refused() == [True, True, True], "not before all of it is back"
    world.keep()
    assert await world.refused() == [False, False, False]


async def test_a_cold_start_beside_lost_rows_is_no_empty_world_either(world: World) -> None:
    world.lose()
    assert await world.refused() == [True, True, True]


async def test_rows_that_are_only_behind_are_shown(world: World) -> None:
    assert await world.reads.whole(TASKS.name, 0)
    world.log.last += 5
    assert await world.refused() == [False, False, False]
    with pytest.raises(ApiError):
        await world.task(new_id())


async def test_without_the_log_known_rows_are_shown_and_nothing_is_denied(world: World) -> None:
    assert await world.refused() == [False, False, False]
    world.log.alive = False
    assert await world.refused() == [False, False, False]
    with pytest.raises(ApiError):
        await world.task(new_id())
