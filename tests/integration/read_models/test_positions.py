"""Positions in the log: a log that is another one is read from its start."""

from __future__ import annotations

import uuid

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.settings import Settings
from projections.catch_up import Reader, catch_up_all, stored_cursors
from projections.log_identity import log_identities
from projections.queries import Queries
from schemas.errors import InfrastructureError
from tests.integration.read_models.applying import new_id
from tests.integration.read_models.conftest import Writer, eventually


@pytest.mark.parametrize("change", ["cluster_id = 'another'", "topic_id = 'another'", "next_offset = 1000000000"])
async def test_a_position_in_another_log_starts_again(
    reader: Reader, writer: Writer, queries: Queries, change: str
) -> None:
    account, task_id = new_id(), new_id()
    await writer.write(writer.ledger.image(task_id, account))
    await catch_up_all(reader)
    await reader.pool.execute(f"UPDATE read_models.projection_cursors SET {change} WHERE topic = 'tasks'")
    await reader.pool.execute("INSERT INTO read_models.task_results VALUES ('stale', 's', '', 1)")
    await catch_up_all(reader)
    assert await queries.task(account, task_id) is not None
    assert await reader.pool.fetchval("SELECT count(*) FROM read_models.task_results WHERE task_id = 'stale'") == 0
    cursor = (await stored_cursors(reader.pool))["tasks", 0]
    assert (cursor.cluster_id, cursor.partition_seq) != ("another", 0)
    assert cursor.partition_seq == writer.ledger.partition_seq["tasks"]


async def test_a_topic_made_anew_has_another_identity(settings: Settings) -> None:
    name, seen = f"scratch-{uuid.uuid4().hex}", set()
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()

    async def another() -> bool:
        try:
            found = (await log_identities(settings, [name]))[name]
        except InfrastructureError:  # not visible yet
            return False
        new = found not in seen
        seen.add(found)
        return new

    try:
        for _ in range(2):
            await admin.create_topics([NewTopic(name, 1, 1)])
            await eventually(another, 10)
            await admin.delete_topics([name])
    finally:
        await admin.close()
    assert len({identity.cluster_id for identity in seen}) == 1
    assert len({identity.topic_id for identity in seen}) == 2
