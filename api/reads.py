"""Reading without ever going back in time: memory first, then the read model, and on a miss the log's end decides."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from api.errors import unavailable
from api.live.overlay import Overlay
from api.old_tasks import OldTasks
from api.ports import Before, ReadModel
from projections.folds.assets import AssetRow
from projections.folds.character_shots import CharacterShotRow
from projections.folds.characters import CharacterRow
from projections.folds.storyboards import StoryboardRow
from projections.folds.task_events import TaskEventRow
from projections.folds.task_rows import TaskRow
from schemas.common import Limits, TaskKind
from schemas.topics import ASSETS, CHARACTERS, STORYBOARDS, TASKS, USERS, shard_of

T = TypeVar("T")
CharacterPictures = tuple[Sequence[tuple[CharacterShotRow, bytes]], Mapping[str, bytes]]
END_TIMEOUT = 0.9  # seconds to reach the end of a partition
STORE_TIMEOUT = 0.9  # seconds for the read model to store what was seen
HISTORY_TIMEOUT = 5.0
TOUCHED = 10_000


class LogEnd(Protocol):
    """What the tail knows of partitions."""

    async def reach_end(self, topic: str, partition: int, timeout: float) -> bool:
        """Wait until everything committed before the call was taken."""
        ...

    def sequence(self, topic: str, partition: int) -> int:
        """The last `partition_seq` taken, 0 before any."""
        ...


class Reads:
    """Tasks and entities of an account, at least as new as anything this process has answered."""

    def __init__(self, tail: LogEnd, overlay: Overlay, queries: ReadModel, shards: int) -> None:
        self._tail, self._overlay, self._queries, self._shards = tail, overlay, queries, shards
        self._touched: OrderedDict[str, None] = OrderedDict()
        self._held: dict[tuple[str, int], int] = {}  # highest sequences the rows are known to have held
        self._old = OldTasks(queries, lambda account_id: self._insist_on_whole(TASKS.name, account_id), shards)

    def touch(self, task_id: str) -> None:
        """A decision about the task was answered; the next read of it must show its effects."""
        self._touched[task_id] = None
        self._touched.move_to_end(task_id)
        while len(self._touched) > TOUCHED:
            self._touched.popitem(last=False)

    async def task(self, account_id: str, task_id: str) -> TaskRow | None:
        """The task if it is the account's. Raises `ApiError` 503 when that cannot be told because the broker is away."""
        if task_id not in self._touched:
            found = await self._look(account_id, task_id)
            if found is not None:
                return found
        if reached := await self._tail.reach_end(TASKS.name, shard_of(account_id, self._shards), END_TIMEOUT):
            self._touched.pop(task_id, None)
        found = await self._look(account_id, task_id)
        if found is not None:
            return found
        settled = reached and await self._stored_all(TASKS.name, account_id, STORE_TIMEOUT)
        return known(await self._look(account_id, task_id) if settled else None, settled)

    async def owner(self, task_id: str) -> str | None:
        """Whose task it is, for operators. Raises `ApiError` 503 when that cannot be told."""
        if (row := self._overlay.row(task_id)) is not None:
            return row.account_id
        return await self._found(TASKS.name, "", lambda: self._queries.owner(task_id))

    async def stored_task(self, account_id: str, task_id: str) -> TaskRow | None:
        """The task as the read model has it, without results, for questions about old tasks.

        Raises `ApiError` 503 while the rows are derived again: what they lack may have existed.
        """
        return await self._old.get(account_id, task_id)

    async def whole(self, topic: str, partition: int) -> bool:
        """Whether the rows hold at least what they held before, or, at first, what the log held when this was first asked.

        They may be a little behind; they fall back only when PostgreSQL lost them and they are derived again.
        """
        place = topic, partition
        if place not in self._held:
            if not await self._tail.reach_end(topic, partition, END_TIMEOUT):
                return False
            self._held[place] = self._tail.sequence(topic, partition)
            await self._queries.wait_for(topic, partition, self._held[place], STORE_TIMEOUT)
        stored = await self._queries.cursor(topic, partition)
        self._held[place], before = max(stored, self._held[place]), self._held[place]
        return stored >= before

    async def tasks(
        self, account_id: str, *, status: str | None, kind: TaskKind | None, before: Before | None, limit: int
    ) -> list[TaskRow]:
        """A page of the account's tasks, newest first; rows that are newer in memory are shown as they are there."""
        await self._listable(TASKS.name, account_id)
        rows = await self._queries.tasks(account_id, status, kind, before, limit)
        return [self._overlay.merge(row) or row for row in rows]

    async def queue_position(self, row: TaskRow) -> int | None:
        """1 for the task that is served next, None unless it waits."""
        return await self._queries.queue_position(row.task_id) if waits(row) else None

    async def finished(self, account_id: str, task_id: str) -> bool:
        """Whether nothing more will happen to the task."""
        row = await self.task(account_id, task_id)
        return row is None or row.finished

    def percent(self, task_id: str) -> dict[str, float]:
        """Live progress of the running stages."""
        return self._overlay.percent(task_id)

    async def task_events(self, account_id: str, task_id: str, after: int) -> list[TaskEventRow] | None:
        """All events of the task after an account_seq up to now; None when the read model is too far behind."""
        if not await self.settle(TASKS.name, account_id, HISTORY_TIMEOUT):
            return None
        return list(await self._queries.task_events(account_id, task_id, after))

    async def account_events(self, account_id: str, after: int, limit: int) -> list[TaskEventRow]:
        """At most `limit` events of the account after an account_seq; fewer only when there are no more just now.

        Raises `ApiError` 503 when the read model is too far behind to tell.
        """
        rows = list(await self._queries.account_events(account_id, after, limit))
        if len(rows) == limit:
            return rows
        await self._insist_on_now(account_id)
        return list(await self._queries.account_events(account_id, after, limit))

    async def newest_event(self, account_id: str) -> int:
        """The account's last account_seq, 0 before its first event. Raises `ApiError` 503 when that cannot be told."""
        await self._insist_on_now(account_id)
        return await self._queries.newest_event(account_id)

    async def ever_issued(self, account_id: str, account_seq: int) -> bool:
        """Whether the account has an event of that number, or the number is 0, which is before all. Raises `ApiError` 503."""
        if await self._queries.newest_event(account_id) >= account_seq:
            return True
        return await self.newest_event(account_id) >= account_seq

    async def character(self, account_id: str, character_id: str) -> CharacterRow | None:
        """The character if it is the account's; its last event is waited for."""
        settled = await self.settle(CHARACTERS.name, account_id)
        return known(await self._queries.character(account_id, character_id), settled)

    async def characters(self, account_id: str, before: Before | None, limit: int) -> Sequence[CharacterRow]:
        """A page of the account's characters, newest first."""
        await self._listable(CHARACTERS.name, account_id)
        return await self._queries.characters(account_id, before, limit)

    async def character_pictures(self, row: CharacterRow, shots: int, stage_id: str) -> CharacterPictures:
        """The newest pictures made of the character, and the sealed results of that stage of its revisions' tasks."""
        made = await self._queries.character_shots(row.account_id, row.character_id, shots)
        return made, await self._queries.stage_results([item.task_id for item in row.revisions], stage_id)

    async def similar_characters(
        self, account_id: str, encoder: str, vector: Sequence[float], limit: int
    ) -> Sequence[tuple[CharacterRow, float]]:
        """The account's characters nearest to the vector. Raises `ApiError` 503 while some may be missing."""
        await self._listable(CHARACTERS.name, account_id)
        return await self._queries.similar_characters(account_id, encoder, vector, limit)

    async def asset(self, account_id: str, asset_id: str) -> AssetRow | None:
        """The upload if it is the account's."""
        return await self._found(ASSETS.name, account_id, lambda: self._queries.asset(account_id, asset_id))

    async def storyboard(self, account_id: str, storyboard_id: str) -> StoryboardRow | None:
        """The storyboard if it is the account's."""
        return await self._found(
            STORYBOARDS.name, account_id, lambda: self._queries.storyboard(account_id, storyboard_id)
        )

    async def limits(self, account_id: str) -> Limits | None:
        """The account's limits as they are now, None before its registration is stored."""
        return await self._found(USERS.name, account_id, lambda: self._queries.limits(account_id))

    async def max_duration(self, account_id: str) -> float:
        """The longest film the account may ask for, in seconds."""
        limits = await self.limits(account_id)
        return float((limits or Limits()).max_duration_s)

    async def settle(self, topic: str, account_id: str, timeout: float = STORE_TIMEOUT) -> bool:
        """Wait until the read model holds everything that is committed now; False if it does not within `timeout` s."""
        if not await self._tail.reach_end(topic, shard_of(account_id, self._shards), END_TIMEOUT):
            return False
        return await self._stored_all(topic, account_id, timeout)

    async def _stored_all(self, topic: str, account_id: str, timeout: float) -> bool:
        """Wait until the rows hold everything the tail has taken."""
        partition = shard_of(account_id, self._shards)
        wanted = self._tail.sequence(topic, partition)
        stored = await self._queries.wait_for(topic, partition, wanted, timeout)
        if stored:
            self._held[topic, partition] = max(wanted, self._held.get((topic, partition), 0))
        return stored

    async def _insist_on_now(self, account_id: str) -> None:
        if not await self.settle(TASKS.name, account_id, HISTORY_TIMEOUT):
            raise unavailable("the history is not up to date yet")

    async def _listable(self, topic: str, account_id: str) -> None:
        """A list may be a little old while something is away, but not lack what was there before."""
        if not await self.settle(topic, account_id):
            await self._insist_on_whole(topic, account_id)

    async def _insist_on_whole(self, topic: str, account_id: str) -> None:
        if not await self.whole(topic, shard_of(account_id, self._shards)):
            raise unavailable("the read model is being made again, so it cannot be told what exists")

    async def _found(self, topic: str, account_id: str, query: Callable[[], Awaitable[T | None]]) -> T | None:
        found = await query()
        if found is None:
            settled = await self.settle(topic, account_id)
            found = known(await query(), settled)
        return found

    async def _look(self, account_id: str, task_id: str) -> TaskRow | None:
        row = self._overlay.row(task_id) or await self._stored(account_id, task_id)
        return row if row is not None and row.account_id == account_id else None

    async def _stored(self, account_id: str, task_id: str) -> TaskRow | None:
        base = await self._queries.task(account_id, task_id)
        if base is None:
            return None
        merged = self._overlay.merge(base)
        if merged is None:
            await self.settle(TASKS.name, account_id)
            base = await self._queries.task(account_id, task_id) or base
            merged = self._overlay.merge(base) or base
        return merged


def waits(row: TaskRow) -> bool:
    """Whether the task has a place in the queue."""
    return row.state in {"queued", "retrying"} and not row.held


def known(found: T | None, sure: bool) -> T | None:
    """What was found. Nothing counts only if everything committed was looked at, else it is a 503, never a 404."""
    if found is None and not sure:
        raise unavailable("a part of the service is away or behind, so it cannot be told whether this exists")
    return found
