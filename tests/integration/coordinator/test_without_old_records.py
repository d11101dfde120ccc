"""Records of topics that forget are gone: no number is given twice. Last in this folder, as the log has holes afterwards."""

from __future__ import annotations

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from infra.kafka import settled_end
from schemas.topics import DECISIONS, RENDER_COMMANDS
from tests.integration.coordinator.desk import Coordinator, Desk, images


async def forget(desk: Desk) -> None:
    """What retention does to decisions and commands while nothing happens."""
    names = (DECISIONS.name, RENDER_COMMANDS.name)
    places = [place for place in desk.ledger_places() if place.topic in names]
    ends: dict[TopicPartition, int] = await settled_end(desk.settings.kafka, places)
    admin = AIOKafkaAdminClient(bootstrap_servers=desk.settings.kafka)
    await admin.start()
    await admin.delete_records({place: RecordsToDelete(before_offset=end) for place, end in ends.items() if end})
    await admin.close()


@pytest.mark.parametrize("ending", ["stopped", "killed"])
async def test_numbers_of_forgotten_records_are_not_given_again(
    desk: Desk, coordinator: Coordinator, ending: str
) -> None:
    account = await desk.account()
    request = images(account, "nobody-has-it")
    await desk.ask(request)
    last = await desk.ask(images(account, "nobody-has-it", count=10_000))  # only a decision: refused
    newest = max(record.stamp.shard_seq for record in desk.seen)
    assert last.stamp.shard_seq == newest, "the newest record lies on a topic that forgets"
    if ending == "stopped":
        assert await coordinator.stop() == 0
    else:
        await coordinator.kill()
    await forget(desk)
    await coordinator.start()
    decision = await desk.ask(images(account, "nobody-has-it"))
    assert decision.stamp.shard_seq > newest
    assert decision.stamp.partition_seq > last.stamp.partition_seq
    taken = [record.stamp.shard_seq for record in desk.seen]
    assert len(taken) == len(set(taken))
