"""Kafka's own command line tools read the topics; not a line of this product is between them and the record."""

from __future__ import annotations

import asyncio
import json
import re
import struct
import sys
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient

from infra.kafka import assigned, create_producer, settled_end
from infra.local.stack import LocalStack
from schemas.ids import new_id
from schemas.topics import TASKS
from tests.e2e.conftest import Account

PLACE = TopicPartition(TASKS.name, 0)
SMALL = {"prompt": "a lantern", "engine": "null", "width": 512, "height": 512, "seed": 7}
FIELD, END = "<|field|>", "<|end|>"
SHOWN = ("partition", "offset", "headers", "key", "value")


async def kafka(stack: LocalStack, tool: str, *arguments: str) -> bytes:
    """What a tool prints; it must end well."""
    command = [sys.executable, "-m", "infra.cli", "kafka", "--data", str(stack.settings.data_dir), tool, *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, err.decode()
    return out


async def records(stack: LocalStack, isolation: str) -> list[ConsumerRecord[Any, Any]]:
    """Everything on the topic by now, as our own client reads it."""
    end = (await settled_end(stack.settings.kafka, [PLACE]))[PLACE]
    found: list[ConsumerRecord[Any, Any]] = []
    async with assigned(stack.settings.kafka, {PLACE: 0}, isolation_level=isolation) as consumer, asyncio.timeout(60):
        while await consumer.position(PLACE) < end:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += [record for record in batch if record.offset < end]
    return found


@pytest.fixture
async def committed(stack: LocalStack, account: Account) -> list[ConsumerRecord[Any, Any]]:
    """Committed records of `tasks`: a task, what a writer gave up, and another task."""
    await account.finished((await account.accepted("images/generate", SMALL))["task_id"])
    async with create_producer(stack.settings.kafka, f"given-up-{new_id()}") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(TASKS.name, b"never committed", key=b"nobody", partition=0)
        await producer.abort_transaction()
    await account.finished((await account.accepted("images/generate", SMALL | {"seed": 8}))["task_id"])
    return await records(stack, "read_committed")


def separated(**properties: str) -> list[str]:
    return [part for name, value in properties.items() for part in ("--formatter-property", f"{name}={value}")]


async def test_the_console_consumer_shows_what_was_committed(
    stack: LocalStack, committed: list[ConsumerRecord[Any, Any]]
) -> None:
    """Place, headers, key and every byte of the value: the magic byte 0 and the registry's id of the schema come first."""
    assert b"never committed" in [record.value for record in await records(stack, "read_uncommitted")]
    printed = [*(f"print.{name}" for name in SHOWN)]
    out = await kafka(
        stack,
        "console-consumer",
        *("--topic", TASKS.name, "--partition", "0", "--offset", "earliest", "--isolation-level", "read_committed"),
        *("--max-messages", str(len(committed))),
        *separated(**dict.fromkeys(printed, "true")),
        *separated(**{"key.separator": FIELD, "line.separator": END, "headers.separator": FIELD[0]}),
    )
    *rows, rest = out.split(END.encode())
    assert rest == b""
    assert [tuple(row.split(FIELD.encode(), 4)) for row in rows] == [
        (
            b"Partition:0",
            f"Offset:{record.offset}".encode(),
            FIELD[0].encode().join(name.encode() + b":" + value for name, value in record.headers),
            record.key,
            record.value,
        )
        for record in committed
    ]
    registry = SchemaRegistryClient({"url": stack.settings.registry_url})
    for row, record in zip(rows, committed, strict=True):
        magic, schema_id = struct.unpack(">bI", row.split(FIELD.encode(), 4)[4][:5])
        written = json.loads(str(registry.get_schema(schema_id).schema_str))
        assert (magic, f"storyreel.{written['name']}".encode()) == (0, dict(record.headers)["ce_type"])


async def test_the_other_tools_agree(stack: LocalStack, committed: list[ConsumerRecord[Any, Any]]) -> None:
    """The end of the topic, and its segments on the disk: keys can be read there, and all checksums are true."""
    ends = (await kafka(stack, "get-offsets", "--topic", TASKS.name)).decode().split(":")
    assert (ends[0], ends[1]) == (TASKS.name, "0")
    assert int(ends[2]) > committed[-1].offset
    keys = {record.key.decode() for record in committed}
    segment = stack.paths.kafka / "log" / f"{TASKS.name}-0" / f"{0:020}.log"
    dumped = (await kafka(stack, "dump-log", "--print-data-log", "--files", str(segment))).decode()
    assert keys <= set(re.findall(r" key: (\S+)", dumped))
    batches = [line for line in dumped.splitlines() if line.startswith("baseOffset:")]
    assert batches
    assert [line for line in batches if "isvalid: true" not in line] == []
