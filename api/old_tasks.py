"""Whether a task that the coordinator may have forgotten exists: asked before every accept, so it has to be cheap."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from api.ports import ReadModel
from infra.gathering import Gathered
from projections.folds.task_rows import TaskRow
from schemas.topics import shard_of


class OldTasks:
    """The rows of tasks, without results. `insist` raises for an account whose rows are being derived again."""

    def __init__(self, queries: ReadModel, insist: Callable[[str], Awaitable[None]], shards: int) -> None:
        self._queries, self._insist, self._shards = queries, insist, shards
        self._asked = Gathered(self._find)

    async def get(self, account_id: str, task_id: str) -> TaskRow | None:
        """The account's task."""
        return await self._asked.get((account_id, task_id))

    async def _find(self, asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], TaskRow]:
        for account_id in {shard_of(account_id, self._shards): account_id for account_id, _ in asked}.values():
            await self._insist(account_id)
        rows = await self._queries.stored_tasks([task_id for _, task_id in asked])
        return {(row.account_id, row.task_id): row for row in rows}
