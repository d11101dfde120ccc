"""Characters found by their vectors, until their account is erased."""

from __future__ import annotations

from typing import Any

import pytest

from infra.keystore import SqliteKeystore
from infra.settings import Settings
from projections.catch_up import Reader, catch_up_all
from projections.postgres import Pool, create_pool
from projections.queries import Queries
from projections.rebuild import rebuild
from projections.row_store import vector_text
from projections.unsealing import keystore_unseal
from projections.writers.characters import scrub_embeddings
from schemas.common import Artifact, StageKind, StagePlan, TaskKind
from schemas.tasks import StageCompleted, StageDispatched, StageStarted, TaskQueued
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


async def test_a_crowd_of_other_accounts_hides_none_of_ones_own(
    pool: Pool, settings: Settings, keystore: SqliteKeystore
) -> None:
    """The nearest 60 vectors are another account's, more than the search index looks at in one go."""
    ann, crowd = new_id(), new_id()
    applied = Applied(pool, keystore_unseal(keystore))
    await applied("characters", character(applied.ledger, keystore, ann, f"{ann}-far", 1))
    for n in range(60):
        await applied("characters", character(applied.ledger, keystore, crowd, f"{crowd}-{n}", n + 2))
    probe = [0.0, 0.01] + [1.0] * 60 + [0.0] * 706
    by_index = await create_pool(settings.database_url + "?enable_sort=off&enable_seqscan=off")  # as for many rows
    try:
        one_go = await by_index.fetch(
            """SELECT character_id FROM read_models.characters WHERE account_id = $1 AND encoder = 'arc-512'
               ORDER BY embedding <=> $2::text::vector LIMIT 5""",
            ann,
            vector_text(probe),
        )
        assert one_go == []
        found = await Queries(by_index, patience=30).similar_characters(ann, "arc-512", probe, limit=5)
    finally:
        await by_index.close()
    assert [row.character_id for row, _ in found] == [f"{ann}-far"]


async def test_pictures_made_of_a_character_come_with_their_sealed_results(pool: Pool, queries: Queries) -> None:
    ann, mara = new_id(), new_id()
    applied = Applied(pool)
    plan = StagePlan(stage_id="shot-01", kind=StageKind.SHOT, character_ids=[mara])
    common: dict[str, Any] = {"stage_id": "shot-01", "attempt": 1, "device_id": "cpu-0"}
    for task in ("t1", "t2"):
        task_id = f"{task}-{ann}"
        done = StageCompleted(
            task_id=task_id, artifacts=[Artifact(role="main", key=f"{task}.png")], sealed=task.encode(), **common
        )
        history: list[Any] = [
            TaskQueued(task_id=task_id, kind=TaskKind.IMAGE, stages=[plan], character_ids=[mara]),
            StageDispatched(task_id=task_id, **common),
            StageStarted(task_id=task_id, **common),
            done,
        ]
        await applied("tasks", [applied.ledger.stamp(event, ann, task_id) for event in history])
    found = await queries.character_shots(ann, mara)
    assert [(shot.key, sealed) for shot, sealed in found] == [("t2.png", b"t2"), ("t1.png", b"t1")]
    assert len(await queries.character_shots(ann, mara, limit=1)) == 1
    assert await queries.character_shots(new_id(), mara) == []
    assert await queries.stage_results([f"t1-{ann}", "none"], "shot-01") == {f"t1-{ann}": b"t1"}
