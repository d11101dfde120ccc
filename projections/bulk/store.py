"""Rows of one chunk of the log: read once, folded in memory, written by COPY."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import asyncpg
from msgspec import Struct

from projections.folds.characters import Embedding
from projections.row_store import Key, SqlRows
from projections.table import Connection, Table

Row = TypeVar("Row", bound=Struct)


class BulkRows:
    """A `RowStore` that writes nothing before `flush`. Use one a chunk; it holds every row the chunk touches.

    Only tables that are loaded know which of their rows are stored already; what others put in is taken for new, and
    written again as replacement should that be wrong.
    """

    def __init__(self, connection: Connection, schema: str) -> None:
        self._connection = connection
        self._schema = schema
        self._buffers: dict[str, _Buffer[Any]] = {}
        self._vectors: dict[str, Embedding | None] = {}

    async def load(self, table: Table[Row], keys: Iterable[Key]) -> dict[Key, Row]:
        """The rows of these keys, as far as there are any."""
        buffer = self._buffer(table)
        buffer.settle()
        wanted = list(keys)
        found = await buffer.table.load(self._connection, [key for key in wanted if key not in buffer.rows])
        buffer.stored |= found.keys()
        buffer.loaded = True
        return found | {key: buffer.rows[key] for key in wanted if key in buffer.rows}

    async def upsert(self, table: Table[Row], rows: Iterable[Row]) -> None:
        """Keep the rows for the flush; of two with one key the later one."""
        buffer = self._buffer(table)
        buffer.added += rows
        if buffer.loaded:
            buffer.settle()

    async def embed(self, character_id: str, found: Embedding | None) -> None:
        """Keep the vector for the flush."""
        self._vectors[character_id] = found

    async def flush(self) -> int:
        """Write everything and return the number of rows. Belongs into the transaction that saves the position."""
        written = 0
        for buffer in self._buffers.values():
            written += await self._write(buffer)
        rows = SqlRows(self._connection, self._schema)
        for character_id, found in self._vectors.items():
            await rows.embed(character_id, found)
        return written

    def _buffer(self, table: Table[Row]) -> _Buffer[Row]:
        buffer = self._buffers.get(table.relation)
        if buffer is None:
            buffer = self._buffers[table.relation] = _Buffer(table.within(self._schema))
        return buffer

    async def _write(self, buffer: _Buffer[Any]) -> int:
        new = [row for key, row in buffer.rows.items() if key not in buffer.stored] + buffer.added
        changed = [row for key, row in buffer.rows.items() if key in buffer.stored]
        try:
            async with self._connection.transaction():
                await self._copy(buffer.table, buffer.table.relation, self._schema, new)
        except asyncpg.UniqueViolationError:
            buffer.settle()
            changed = list(buffer.rows.values())
        if changed:
            await self._merge(buffer.table, changed)
        return len(buffer.rows) + len(buffer.added)

    async def _merge(self, table: Table[Any], rows: list[Any]) -> None:
        staging = f"staging_{table.relation}"
        await self._connection.execute(
            f"CREATE TEMP TABLE IF NOT EXISTS {staging} (LIKE {table.name} INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
        )
        await self._copy(table, staging, None, rows)
        await self._connection.execute(table.merge_sql(f"SELECT {table.quoted} FROM {staging}"))  # noqa: S608

    async def _copy(self, table: Table[Any], relation: str, schema: str | None, rows: list[Any]) -> None:
        if rows:
            await self._connection.copy_records_to_table(
                relation, schema_name=schema, columns=list(table.columns), records=map(table.values, rows)
            )


class _Buffer(Generic[Row]):
    """Rows of one table: what the chunk wrote, and the keys that were in the table before.

    `added` are rows whose key nobody has asked for yet; a history is nothing else.
    """

    def __init__(self, table: Table[Row]) -> None:
        self.table = table
        self.rows: dict[Key, Row] = {}
        self.stored: set[Key] = set()
        self.added: list[Row] = []
        self.loaded = False

    def settle(self) -> None:
        """Put the added rows under their keys, the later of two in the place of the earlier."""
        self.rows |= {self.table.key_of(row): row for row in self.added}
        self.added.clear()
