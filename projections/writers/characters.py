"""Character events into characters, their pictures and their search vectors."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from projections.folds.characters import (
    CharacterImageRow,
    CharacterRow,
    apply_character,
    blank_images,
    embedding_of,
    image_rows,
)
from projections.row_store import RowStore
from projections.table import SCHEMA, Connection
from projections.tables import CHARACTER_IMAGE_TABLE, CHARACTER_TABLE
from projections.writers.base import Refused, Unseal, fold_into, wanted
from schemas.entities import AnyCharacterEvent, CharacterErased, CharacterReady
from schemas.envelope import LedgerRecord


async def write_characters(store: RowStore, events: Sequence[LedgerRecord], unseal: Unseal) -> list[Refused]:
    """A vector is plain only here; an erased character's row has none, live and after a rebuild."""
    known, foreign = wanted(events, AnyCharacterEvent)
    images: list[CharacterImageRow] = []

    def apply(row: CharacterRow | None, event: AnyCharacterEvent) -> CharacterRow:
        after = apply_character(row, event)
        match event:
            case CharacterReady() if after.status != "erased":
                images.extend(image_rows(event))
            case CharacterErased() if row is not None and after is not row:
                images.extend(replace(image, shard_seq=after.shard_seq) for image in blank_images(row))
        return after

    result = await fold_into(store, CHARACTER_TABLE, known, lambda e: (e.character_id,), apply)
    await store.upsert(CHARACTER_IMAGE_TABLE, images)
    changed = [event for event in result.applied if isinstance(event, CharacterReady | CharacterErased)]
    for event in {event.character_id: event for event in changed}.values():
        found = None
        if isinstance(event, CharacterReady):
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
