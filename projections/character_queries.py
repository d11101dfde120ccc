"""What the API asks of the characters' rows. Whatever belongs to an account is asked for together with the account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asyncpg import Record

from projections.folds.character_shots import CharacterShotRow
from projections.folds.characters import CharacterImageRow, CharacterRow
from projections.postgres import retrying
from projections.reading import Before, Reading
from projections.row_store import vector_text
from projections.table import SCHEMA
from projections.tables import CHARACTER_IMAGE_TABLE, CHARACTER_SHOT_TABLE, CHARACTER_TABLE


class CharacterQueries(Reading):
    """Characters, their pictures and whom they resemble."""

    async def character(self, account_id: str, character_id: str) -> CharacterRow | None:
        """One character."""
        return await self._one(CHARACTER_TABLE, "account_id = $1 AND character_id = $2", account_id, character_id)

    async def characters(self, account_id: str, before: Before | None = None, limit: int = 50) -> list[CharacterRow]:
        """Newest first."""
        return await self._page(CHARACTER_TABLE, "character_id", "account_id = $1", [account_id], before, limit)

    async def character_images(self, account_id: str, character_id: str) -> list[CharacterImageRow]:
        """Pictures of all revisions, newest revision first."""
        where = "account_id = $1 AND character_id = $2 ORDER BY revision DESC, role, key"
        return await self._many(CHARACTER_IMAGE_TABLE, where, account_id, character_id)

    async def character_shots(
        self, account_id: str, character_id: str, limit: int = 50
    ) -> list[tuple[CharacterShotRow, bytes]]:
        """The newest pictures that were made of the character, each with the sealed result of its stage."""
        rows = await self._fetch(
            f"""SELECT s.*, r.sealed FROM {SCHEMA}.character_shots s
                LEFT JOIN {SCHEMA}.task_results r ON r.task_id = s.task_id AND r.stage_id = s.stage_id
                WHERE s.account_id = $1 AND s.character_id = $2
                ORDER BY s.created_at DESC, s.task_id DESC, s.stage_id DESC LIMIT $3""",  # noqa: S608
            account_id,
            character_id,
            limit,
        )
        return [(CHARACTER_SHOT_TABLE.decode(row), row["sealed"] or b"") for row in rows]

    async def stage_results(self, task_ids: Sequence[str], stage_id: str) -> dict[str, bytes]:
        """The sealed results of one stage of several tasks, by task."""
        rows = await self._fetch(
            f"SELECT task_id, sealed FROM {SCHEMA}.task_results WHERE task_id = ANY($1) AND stage_id = $2",  # noqa: S608
            list(task_ids),
            stage_id,
        )
        return {row["task_id"]: row["sealed"] for row in rows}

    async def similar_characters(
        self, account_id: str, encoder: str, vector: Sequence[float], limit: int = 10
    ) -> list[tuple[CharacterRow, float]]:
        """The account's characters nearest to a 768-d vector of the encoder, with cosine similarity -1..1, best first.

        Vectors of another encoder are never looked at. The index holds all accounts; it is read on until enough of this
        account's were found (pgvector's iterative scan), so that a crowd of others hides none of them.
        """
        sql = f"""SELECT {CHARACTER_TABLE.quoted}, 1 - (embedding <=> $3::text::vector) AS score FROM {SCHEMA}.characters
            WHERE account_id = $1 AND encoder = $2 ORDER BY embedding <=> $3::text::vector LIMIT $4"""  # noqa: S608

        async def work() -> list[Record]:
            connection: Any
            async with self._pool.acquire(timeout=self._patience) as connection, connection.transaction(readonly=True):
                await connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
                return list(await connection.fetch(sql, account_id, encoder, vector_text(vector), limit))

        rows = await retrying(work, timeout=self._patience)
        return [(CHARACTER_TABLE.decode(row), float(row["score"])) for row in rows]
