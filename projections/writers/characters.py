"""Character events into characters, their pictures and their search vectors."""

from __future__ import annotations

from collections.abc import Sequence

from projections.folds.characters import apply_character, embedding_of, image_rows
from projections.table import SCHEMA, Connection
from projections.tables import CHARACTER_IMAGE_TABLE, CHARACTER_TABLE
from projections.writers.base import Refused, Unseal, fold_into, wanted
from schemas.entities import AnyCharacterEvent, CharacterReady
from schemas.envelope import LedgerRecord

_EMBEDDING = f"UPDATE {SCHEMA}.characters SET encoder = $2, embedding = $3::text::vector WHERE character_id = $1"  # noqa: S608


async def write_characters(connection: Connection, events: Sequence[LedgerRecord], unseal: Unseal) -> list[Refused]:
    """A vector is plain only here; once the account's key is erased its row has none, live and after a rebuild."""
    known, foreign = wanted(events, AnyCharacterEvent)
    result = await fold_into(connection, CHARACTER_TABLE, known, lambda e: (e.character_id,), apply_character)
    ready = [event for event in result.applied if isinstance(event, CharacterReady)]
    await CHARACTER_IMAGE_TABLE.upsert(connection, [image for event in ready for image in image_rows(event)])
    for event in {event.character_id: event for event in ready}.values():
        await _write_embedding(connection, event, unseal)
    return foreign + result.refused


async def _write_embedding(connection: Connection, event: CharacterReady, unseal: Unseal) -> None:
    found = embedding_of(unseal(event.envelope.account_id, event.sealed))
    if found is None:
        await connection.execute(_EMBEDDING, event.character_id, "", None)
        return
    await connection.execute(f"SELECT {SCHEMA}.index_encoder($1)", found.encoder)
    await connection.execute(_EMBEDDING, event.character_id, found.encoder, vector_text(found.vector))


def vector_text(vector: Sequence[float]) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(map(repr, vector)) + "]"


async def scrub_embeddings(connection: Connection, account_id: str) -> int:
    """Remove an account's plain vectors after its key was erased; returns how many rows had one."""
    status = await connection.execute(
        f"UPDATE {SCHEMA}.characters SET encoder = '', embedding = NULL WHERE account_id = $1 AND embedding IS NOT NULL",  # noqa: S608
        account_id,
    )
    return int(status.rpartition(" ")[2])
