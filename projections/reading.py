"""How rows are read: through a pool, patiently, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from asyncpg import Record
from msgspec import Struct

from projections.postgres import Pool, retrying
from projections.table import Table

Row = TypeVar("Row", bound=Struct)
Before = tuple[datetime, str]
"""Place in a list ordered newest first: `created_at` and id of the last row seen."""
PATIENCE = 1.5


class Reading:
    """Reads through a pool; any number may run at once. A query that takes `patience` seconds fails."""

    def __init__(self, pool: Pool, patience: float = PATIENCE) -> None:
        self._pool, self._patience = pool, patience

    async def _fetch(self, sql: str, *arguments: Any) -> list[Record]:
        """Rows of a query; a connection that broke meanwhile is replaced once or twice."""

        async def work() -> list[Record]:
            connection: Any
            async with self._pool.acquire(timeout=self._patience) as connection:
                return list(await connection.fetch(sql, *arguments))

        return await retrying(work, timeout=self._patience)

    async def _value(self, sql: str, *arguments: Any) -> Any:
        found = await self._fetch(sql, *arguments)
        return found[0][0] if found else None

    async def _one(self, table: Table[Row], where: str, *arguments: Any) -> Row | None:
        found = await self._many(table, where, *arguments)
        return found[0] if found else None

    async def _many(self, table: Table[Row], where: str, *arguments: Any) -> list[Row]:
        records = await self._fetch(f"{table.select} WHERE {where}", *arguments)
        return [table.decode(record) for record in records]

    async def _page(
        self, table: Table[Row], key: str, where: str, arguments: list[Any], before: Before | None, limit: int
    ) -> list[Row]:
        if before is not None:
            where += f" AND (created_at, {key}) < (${len(arguments) + 1}, ${len(arguments) + 2})"
            arguments = [*arguments, *before]
        order = f" ORDER BY created_at DESC, {key} DESC LIMIT ${len(arguments) + 1}"
        return await self._many(table, where + order, *arguments, limit)
