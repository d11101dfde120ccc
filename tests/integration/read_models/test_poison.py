"""Records nobody can use: kept once with their bytes and headers, whoever meets them, and the rest flows on."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections import Counter
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from msgspec.structs import replace

from infra.dead_letter_keys import letter_key
from infra.dead_letter_writer import fencing
from infra.dead_letters import dead_letter_headers
from infra.kafka import assigned, settled_end
from infra.settings import Settings
from projections.apply import DeadLetter
from projections.catch_up import Reader, catch_up, partitions_of, stored_cursors
from projections.decoding import Decoder
from projections.postgres import Pool
from projections.queries import Queries
from projections.selection import Delivered
from projections.tables import PROJECTED
from schemas.errors import ContractError
from schemas.serde import HEADER, Codec, encode_body
from schemas.tasks import TaskCancelled, TaskQueued
from schemas.topics import DEAD_LETTERS, TASKS
from streams.read_models.dead_letters import DeadLetterOffice, original
from tests.integration.poison import poison
from tests.integration.read_models.conftest import Worker, Writer, eventually, settled
from tests.integration.registering import newer_schema

PLACE = TopicPartition(DEAD_LETTERS.name, 0)
Letters = dict[str, list[tuple[bytes | None, dict[str, bytes]]]]


async def letters_of(settings: Settings, trace: bytes) -> Letters:
    """The letters of one test by where the record was, each with value and headers."""
    end = (await settled_end(settings.kafka, [PLACE]))[PLACE]
    found: Letters = {}
    async with assigned(settings.kafka, {PLACE: 0}) as consumer:
        while await consumer.position(PLACE) < end:
            for record in (await consumer.getmany(PLACE, timeout_ms=1000)).get(PLACE, []):
                headers = {name: value or b"" for name, value in record.headers}
                source = f"{headers.get('dlq.topic', b'').decode()}@{headers.get('dlq.offset', b'').decode()}"
                if headers.get("trace") == trace or headers.get("dlq.key") == b"poison" + trace:
                    found.setdefault(source, []).append((record.value, headers))
    return found


async def test_poison_on_every_topic_becomes_one_letter_and_the_rest_flows_on(
    worker: Worker, writer: Writer, queries: Queries, settings: Settings, pool: Pool, codec: Codec
) -> None:
    trace = uuid.uuid4().bytes
    sent: dict[str, tuple[str, bytes | None]] = {}
    for topic in PROJECTED:
        for kind, value in poison(topic, codec).items():
            if kind == "too large" and topic is not TASKS:
                continue  # once is enough for all who read this log again
            offset = await writer.raw(topic.name, value, [("trace", trace)], key=b"poison" + trace)
            sent[f"{topic.name}@{offset}"] = kind, value
    account, task_id = str(uuid.uuid4()), str(uuid.uuid4())
    await writer.write(writer.ledger.image(task_id, account))
    await settled(queries, writer.ledger)
    task = await queries.task(account, task_id)
    assert task is not None
    assert task.status == "completed"

    async def all_there() -> bool:
        return len(await letters_of(settings, trace)) == len(sent)

    await eventually(all_there, 60)
    # A process that starts with an empty database meets them again.
    await worker.end(signal.SIGKILL)
    await pool.execute("DROP SCHEMA read_models CASCADE")
    await worker.start()
    letters = await letters_of(settings, trace)
    assert Counter({source: len(found) for source, found in letters.items()}) == Counter(dict.fromkeys(sent, 1))
    for source, [(value, headers)] in letters.items():
        kind, original = sent[source]
        assert headers["dlq.reader"] == b"read-models", kind
        assert headers["dlq.reason"], kind
        assert (value, headers["trace"]) == (original, trace), kind


def letter(trace: bytes, offset: int) -> DeadLetter:
    """A letter of a record that was never on the log."""
    delivered = Delivered(offset=offset, key=b"poison" + trace, value=b"?")
    return DeadLetter(topic="tasks", partition=0, delivered=delivered, error="-")


async def test_two_processes_write_one_letter(settings: Settings) -> None:
    """Both met the record; the second looks before it writes, even though it had looked before the first one wrote."""
    key = uuid.uuid4().bytes
    base = uuid.uuid4().int >> 80
    first, second = DeadLetterOffice(settings), DeadLetterOffice(settings)
    await second([letter(key, base)])
    await first([letter(key, base), letter(key, base + 1)])
    await second([letter(key, base + 1), letter(key, base + 2)])
    assert {len(found) for found in (await letters_of(settings, key)).values()} == {1}
    assert len(await letters_of(settings, key)) == 3


async def test_a_process_that_lost_its_place_while_it_wrote_adds_no_second_letter(settings: Settings) -> None:
    """Its letter was on the way when another process met the record; it must not arrive any more."""
    trace, offset = uuid.uuid4().bytes, uuid.uuid4().int >> 80
    late = original(letter(trace, offset))
    async with fencing(settings.kafka, "tasks", 0) as producer:
        await producer.begin_transaction()
        headers = dead_letter_headers(late, ContractError("-"), "read-models")
        sent = await producer.send(
            DEAD_LETTERS.name, late.value, key=letter_key(late).encode(), partition=0, headers=headers
        )
        await sent
        await asyncio.wait_for(DeadLetterOffice(settings)([letter(trace, offset)]), 60)
        with pytest.raises(KafkaError):
            await producer.commit_transaction()
    assert [len(found) for found in (await letters_of(settings, trace)).values()] == [1]


async def test_a_registry_that_is_away_buries_nothing(
    reader: Reader, writer: Writer, queries: Queries, codec: Codec, unused_tcp_port: int
) -> None:
    buried: list[Any] = []

    async def bury(letters: Any) -> None:
        buried.extend(letters)

    schema_id = await asyncio.to_thread(newer_schema, reader.settings.registry_url)
    account, task_id = str(uuid.uuid4()), str(uuid.uuid4())
    await writer.write([writer.ledger.stamp(TaskQueued(task_id=task_id), account, task_id)])
    last = writer.ledger.stamp(TaskCancelled(task_id=task_id), account, task_id)
    offset = await writer.raw("tasks", HEADER.pack(0, schema_id) + encode_body(last), [], key=task_id.encode())
    away = replace(reader.settings, registry_url=f"http://127.0.0.1:{unused_tcp_port}")
    patient = Reader(away, reader.pool, Decoder(codec, away), replace(reader.ports, dead_letters=bury))
    [partition] = await partitions_of(away, ["tasks"])
    reading = asyncio.create_task(catch_up(patient, partition))
    done, _ = await asyncio.wait({reading}, timeout=3)
    cursor = (await stored_cursors(reader.pool)).get(("tasks", 0))
    assert not done
    assert cursor is None or cursor.next_offset <= offset
    patient.decoder._settings = reader.settings  # the same address answers again
    await asyncio.wait_for(reading, 60)
    task = await queries.task(account, task_id)
    assert task is not None
    assert task.status == "cancelled"
    assert offset not in {letter.delivered.offset for letter in buried}
