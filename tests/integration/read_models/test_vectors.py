"""Characters found by their vectors, until their account is erased."""

from __future__ import annotations

import pytest

from infra.keystore import SqliteKeystore
from infra.settings import Settings
from projections.catch_up import Reader, catch_up_all
from projections.postgres import Pool, create_pool
from projections.queries import Queries
from projections.rebuild import rebuild
from projections.unsealing import keystore_unseal
from projections.writers.characters import scrub_embeddings
from tests.integration.read_models.applying import Applied, character, new_id
from tests.integration.read_models.conftest import Writer, dumped


async def test_similar_characters_and_erasure(pool: Pool, queries: Queries, keystore: SqliteKeystore) -> None:
    ann, bob = new_id(), new_id()
    applied = Applied(pool, keystore_unseal(keystore))
    names = {account: [f"{account}-{n}" for n in range(3)] for account in (ann, bob)}
    for account, ids in names.items():
        for lead, character_id in enumerate(ids):
            await applied("characters", character(applied.ledger, keystore, account, character_id, lead))
    probe = [0.9, 0.4] + [0.0] * 766
    found = await queries.similar_characters(ann, "arc-512", probe, limit=2)
    assert [row.character_id for row, _ in found] == names[ann][:2]
    assert found[0][1] == pytest.approx(0.9 / (0.9**2 + 0.4**2) ** 0.5, abs=1e-4)
    assert await queries.similar_characters(ann, "another", probe) == []
    indexes = await pool.fetch("SELECT indexdef FROM pg_indexes WHERE indexname LIKE 'characters_embedding_%'")
    assert len(indexes) == 1
    assert "hnsw" in indexes[0]["indexdef"]
    assert "arc-512" in indexes[0]["indexdef"]

    keystore.erase_account(ann)
    async with pool.acquire() as connection:
        assert await scrub_embeddings(connection, ann) == 3
    assert await queries.similar_characters(ann, "arc-512", probe) == []
    assert len(await queries.similar_characters(bob, "arc-512", probe)) == 3


async def test_after_an_erasure_the_scrubbed_rows_equal_a_rebuild(
    reader: Reader, writer: Writer, keystore: SqliteKeystore, other_settings: Settings
) -> None:
    account = new_id()
    await writer.write(character(writer.ledger, keystore, account, new_id(), 0))
    await catch_up_all(reader)
    assert (
        await reader.pool.fetchval("SELECT encoder FROM read_models.characters WHERE account_id = $1", account)
        == "arc-512"
    )
    keystore.erase_account(account)
    async with reader.pool.acquire() as connection:
        await scrub_embeddings(connection, account)
    await rebuild(other_settings, ["characters"], keystore_unseal(keystore))
    rebuilt = await create_pool(other_settings.database_url)
    try:
        ours = [line for line in await dumped(reader.pool) if account in line]
        assert ours
        assert ours == [line for line in await dumped(rebuilt) if account in line]
    finally:
        await rebuilt.close()
