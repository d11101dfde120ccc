"""What the tests of the local stack share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import asyncpg
import psutil

from infra.kafka import create_producer, send
from infra.local.stack import LocalStack


@dataclass(frozen=True)
class Topic:
    """A topic of a test."""

    name: str
    partitions: Literal["shards", "slots", "one"] = "one"
    retention_ms: int | None = None
    compact: bool = False
    max_bytes: int | None = None


async def write(bootstrap: str, topic: str, *values: bytes) -> None:
    """Produce values to partition 0."""
    producer = create_producer(bootstrap)
    await producer.start()
    try:
        for value in values:
            await send(producer, topic, value, key="k", partition=0, headers=[])
    finally:
        await producer.stop()


def pid_of(stack: LocalStack, name: str) -> int:
    """Pid of a running process of the stack."""
    [pid] = [record.pid for record in stack.state.processes if record.name == name]
    assert pid is not None
    return pid


def ready_again(stack: LocalStack, name: str, old_pid: int) -> bool:
    """Whether another life of the process is ready."""
    return any(r.name == name and r.pid not in (None, old_pid) and r.state == "ready" for r in stack.state.processes)


def mentioning(text: str) -> list[list[str]]:
    """Command lines of living processes that contain `text`: what a stack has left of its data folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if any(text in part for part in command):
            found.append(command)
    return found


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for a condition of the outer world."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


async def execute(url: str, statement: str) -> None:
    """Run one statement on a database."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def fetch_value(url: str, query: str) -> object:
    """The first value of a query's first row."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
