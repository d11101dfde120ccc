"""Dead letters listed and sent again, on a real broker."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition

from infra.cli import main
from infra.dlq import TRANSACTIONAL_ID, read_letters, redriving
from infra.kafka import assigned, create_producer, settled_end
from infra.operators import operator_name
from infra.settings import Settings
from projections.apply import DeadLetter
from projections.selection import Delivered
from schemas.errors import ContractError, InfrastructureError
from streams.read_models.dead_letters import DeadLetterOffice
from streams.rejection import dead_letter
from tests.operator_acts import acts_of

BOX = TopicPartition("dead.letters", 0)


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch, kafka_settings: Settings) -> None:
    """The commands talk to the shared broker and registry."""
    for name in ("STORYREEL_KAFKA", "STORYREEL_REGISTRY_URL", "STORYREEL_DATA_DIR"):
        monkeypatch.setenv(name, kafka_settings.to_env()[name])


@pytest.fixture
async def producer(kafka_settings: Settings) -> Any:
    made = create_producer(kafka_settings.kafka)
    await made.start()
    yield made
    await made.stop()


async def storyreel(folder: Path, *arguments: str) -> int:
    """Exit code of a command of the group."""

    def run() -> int:
        try:
            main(["dlq", *arguments, "--data", str(folder)])
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return await asyncio.to_thread(run)


async def committed(settings: Settings, tp: TopicPartition, begin: int = 0) -> list[ConsumerRecord]:
    """All committed records of a partition from `begin`."""
    found: list[ConsumerRecord] = []
    end = (await settled_end(settings.kafka, [tp]))[tp]
    async with assigned(settings.kafka, {tp: begin}) as consumer:
        while await consumer.position(tp) < end:
            found += (await consumer.getmany(tp, timeout_ms=500)).get(tp, [])
    return found


async def bury(
    settings: Settings, producer: AIOKafkaProducer, topic: str, value: bytes, mark: bytes
) -> tuple[int, int]:
    """Write poison, read it, and keep it as the coordinator does. Returns the offsets of poison and letter."""
    headers = [("trace", mark), ("ce_id", b"\xff\x00")]
    sent = await producer.send_and_wait(topic, value, key=mark, partition=0, headers=headers)
    [message] = await committed(settings, TopicPartition(topic, 0), sent.offset)
    dead = dead_letter(message, ContractError("magic byte 1 is not 0"))
    kept = await producer.send_and_wait(BOX.topic, dead.value, key=dead.key, partition=0, headers=dead.headers)
    return int(sent.offset), int(kept.offset)


async def listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[int, dict[str, Any]]:
    capsys.readouterr()
    assert await storyreel(folder, "list", "--json") == 0
    return {letter["offset"]: letter for letter in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize("topic", ["requests", "reports"])
async def test_poison_is_listed_and_sent_again_once_with_its_bytes(
    topic: str,
    kafka_settings: Settings,
    producer: AIOKafkaProducer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mark, poison = uuid4().bytes, b"\x01poison" + uuid4().bytes
    source, letter = await bury(kafka_settings, producer, topic, poison, mark)
    row = (await listed(tmp_path, capsys))[letter]
    assert (row["topic"], row["partition"], row["source_offset"], row["size"]) == (topic, 0, source, len(poison))
    assert (row["reader"], row["error"], row["reason"]) == ("coordinator", "ContractError", "magic byte 1 is not 0")
    assert (row["redriven"], row["refusal"]) == (False, None)

    assert await storyreel(tmp_path, "redrive", str(letter), "--reason", "fixed") == 0
    assert capsys.readouterr().out == f"dead letter {letter} sent to {topic}[0]\nsent: 1\n"
    first, again = await committed(kafka_settings, TopicPartition(topic, 0), source)
    assert (again.key, again.value) == (first.key, first.value) == (mark, poison)
    assert again.headers == (*first.headers, ("dlq.redriven", str(letter).encode()))

    letters = await listed(tmp_path, capsys)
    assert letters[letter]["redriven"] is True
    assert max(letters) == letter, "the marker is no letter"
    assert await storyreel(tmp_path, "redrive", str(letter)) == 0
    assert capsys.readouterr().out == f"dead letter {letter} was sent before, nothing to do\nsent: 0\n"
    assert len(await committed(kafka_settings, TopicPartition(topic, 0), source)) == 2
    acts = [act for act in await acts_of(kafka_settings, "dlq redrive") if act.detail == f"offsets {letter}"]
    assert [(act.operator, act.reason) for act in acts] == [(operator_name(), "fixed")]


async def test_all_needs_a_yes_and_leaves_the_ledger_alone(
    kafka_settings: Settings, producer: AIOKafkaProducer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = uuid4().bytes
    office = DeadLetterOffice(kafka_settings)
    place = uuid4().int >> 80
    ledger = DeadLetter(topic="tasks", partition=0, delivered=Delivered(offset=place, value=b"?"), error="not Avro")
    await office([ledger])
    buried = [await bury(kafka_settings, producer, "reports", b"\x01%d" % number, mark) for number in range(3)]
    assert await storyreel(tmp_path, "redrive", "--all") == 1
    assert "add --yes" in capsys.readouterr().err
    assert await storyreel(tmp_path, "redrive", "--all", "--yes") == 0
    assert await storyreel(tmp_path, "redrive", "--all", "--yes") == 0
    assert capsys.readouterr().out.endswith("sent: 0\n")
    reports = await committed(kafka_settings, TopicPartition("reports", 0), buried[0][0])
    again = [record.value for record in reports if dict(record.headers).get("dlq.redriven") and record.key == mark]
    assert again == [b"\x010", b"\x011", b"\x012"]

    letters = await listed(tmp_path, capsys)
    [refused] = [one for one in letters.values() if one["source_offset"] == place and one["topic"] == "tasks"]
    assert (refused["redriven"], refused["reason"]) == (False, "not Avro")
    waiting = (await bury(kafka_settings, producer, "reports", b"\x01", mark))[1]
    assert await storyreel(tmp_path, "redrive", str(waiting), str(refused["offset"])) == 1
    assert "only the coordinator may write to tasks" in capsys.readouterr().err
    assert (await listed(tmp_path, capsys))[waiting]["redriven"] is False, "one refusal stops all"

    await DeadLetterOffice(kafka_settings)([ledger])
    assert len(await listed(tmp_path, capsys)) == len(letters) + 1, "readers know their letters among the markers"


async def test_a_second_redrive_takes_over_and_the_first_sends_nothing_more(
    kafka_settings: Settings, producer: AIOKafkaProducer
) -> None:
    source, offset = await bury(kafka_settings, producer, "reports", b"\x01both", uuid4().bytes)

    async def overtaken() -> None:
        async with redriving(kafka_settings.kafka) as first:
            [stale] = [letter for letter in first.letters if letter.offset == offset]
            async with redriving(kafka_settings.kafka) as second:
                [letter] = [letter for letter in second.letters if letter.offset == offset]
                await second.send(letter)
            await first.send(stale)

    with pytest.raises(InfrastructureError, match="another redrive has taken over"):
        await overtaken()
    assert len(await committed(kafka_settings, TopicPartition("reports", 0), source)) == 2
    assert [one.redriven for one in await read_letters(kafka_settings.kafka) if one.offset == offset] == [True]


async def test_what_a_killed_redrive_left_open_is_undone_and_sent_once(
    kafka_settings: Settings, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    poison = b"\x01" + uuid4().bytes
    source, offset = await bury(kafka_settings, producer, "reports", poison, uuid4().bytes)
    killed = create_producer(kafka_settings.kafka, TRANSACTIONAL_ID)
    await killed.start()
    await killed.begin_transaction()
    await killed.send_and_wait("reports", poison, partition=0)  # and it never gets to its marker
    assert await storyreel(tmp_path, "redrive", str(offset)) == 0
    reports = await committed(kafka_settings, TopicPartition("reports", 0), source)
    assert [dict(record.headers).get("dlq.redriven") for record in reports] == [None, str(offset).encode()]
    await killed.stop()


async def test_without_a_broker_it_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    monkeypatch.setenv("STORYREEL_KAFKA", f"127.0.0.1:{unused_tcp_port}")
    for arguments in (["list"], ["redrive", "0"], ["redrive", "--all", "--yes"]):
        assert await storyreel(tmp_path, *arguments) == 1
        assert f"error: Kafka at 127.0.0.1:{unused_tcp_port}" in capsys.readouterr().err
