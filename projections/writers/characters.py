"""Character events into characters, their pictures and their search vectors."""

from __future__ import annotations

from collections.abc import Sequence

from projections.folds.characters import apply_character, embedding_of, image_rows
from projections.row_store import RowStore
from projections.table import SCHEMA, Connection
from projections.tables import CHARACTER_IMAGE_TABLE, CHARACTER_TABLE
from projections.writers.base import Refused, Unseal, fold_into, wanted
from schemas.entities import AnyCharacterEvent, CharacterReady
from schemas.envelope import LedgerRecord


async def write_characters(store: RowStore, events: Sequence[LedgerRecord], unseal: Unseal) -> list[Refused]:
    """A vector is plain only here; once the account's key is erased its row has none, live and after a rebuild."""
    known, foreign = wanted(events, AnyCharacterEvent)
    result = await fold_into(store, CHARACTER_TABLE, known, lambda e: (e.character_id,), apply_character)
    ready = [event for event in result.applied if isinstance(event, CharacterReady)]
    await store.upsert(CHARACTER_IMAGE_TABLE, [image for event in ready for image in image_rows(event)])
    for event in {event.character_id: event for event in ready}.values():
        found = embedding_of(unseal(event.envelope.account_id, event.sealed))
        await store.embed(event.character_id, found)
    return foreign + result.refused


async def scrub_embeddings(connection: Connection, account_id: str) -> int:
    """Remove an account's plain vectors after its key was erased; returns how many rows had one."""
    status = await connection.execute(
        f"UPDATE {SCHEMA}.characters SET encoder = '', embedding = NULL WHERE account_id = $1 AND embedding IS NOT NULL",  # noqa: S608
        account_id,
    )
    return int(status.rpartition(" ")[2])
