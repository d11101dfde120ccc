"""Where writers read and write rows: straight in PostgreSQL when live, in memory and by COPY when in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from projections.folds.characters import Embedding
from projections.table import SCHEMA, Connection, Table

Row = TypeVar("Row", bound=Struct)
Key = tuple[str, ...]


class RowStore(Protocol):
    """The rows of one schema inside one transaction."""

    async def load(self, table: Table[Row], keys: Iterable[Key]) -> dict[Key, Row]:
        """The rows of these keys, as far as there are any."""
        ...

    async def upsert(self, table: Table[Row], rows: Iterable[Row]) -> None:
        """Insert or replace the rows."""
        ...

    async def embed(self, character_id: str, found: Embedding | None) -> None:
        """Set, or remove, the search vector of a character whose row is there."""
        ...


class SqlRows:
    """Every call is a statement on the connection."""

    def __init__(self, connection: Connection, schema: str = SCHEMA) -> None:
        self._connection = connection
        self._schema = schema

    async def load(self, table: Table[Row], keys: Iterable[Key]) -> dict[Key, Row]:
        """The rows of these keys, as far as there are any."""
        return await table.load(self._connection, keys)

    async def upsert(self, table: Table[Row], rows: Iterable[Row]) -> None:
        """Insert or replace the rows."""
        await table.upsert(self._connection, rows)

    async def embed(self, character_id: str, found: Embedding | None) -> None:
        """Set the vector, indexed with those of its encoder."""
        statement = (
            f"UPDATE {self._schema}.characters SET encoder = $2, embedding = $3::text::vector WHERE character_id = $1"  # noqa: S608
        )
        if found is None:
            await self._connection.execute(statement, character_id, "", None)
            return
        await self._connection.execute(f"SELECT {self._schema}.index_encoder($1, $2)", found.encoder, self._schema)
        await self._connection.execute(statement, character_id, found.encoder, vector_text(found.vector))


def vector_text(vector: Sequence[float]) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(map(repr, vector)) + "]"
