"""A client that follows a task's stream through every break: each event once, in order, to one end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec

from tests.faults.harness.load.book import Task
from tests.faults.harness.load.client import Client

PATIENCE_S = 90.0
AGAIN_S = 0.5
_ENDS = {
    "task.completed": "completed",
    "task.failed": "failed",
    "task.cancelled": "cancelled",
    "task.expired": "failed",
}


async def follow(client: Client, task: Task) -> None:
    """Follow to the end; what the stream shows wrongly goes into the book as a breach."""
    last, sequence, ended = 0, 0, ""
    deadline = time.monotonic() + PATIENCE_S
    book = client.book
    while not ended and time.monotonic() < deadline:
        book.seen["streams opened"] += 1
        async for name, data in _frames(client, task, last):
            number, place = int(data["id"]), int(data["sequence"])
            if number <= last:
                book.breach(f"stream of {task.task_id}: event {number} after {last}")
            if place != sequence + 1:
                book.breach(f"stream of {task.task_id}: event {name} is number {place} after {sequence}")
            if ended:
                book.breach(f"stream of {task.task_id}: {name} after its end as {ended}")
            last, sequence = number, place
            ended = _ENDS.get(name, "")
        if not ended:
            await asyncio.sleep(AGAIN_S)
    if ended:
        book.seen["streams followed to the end"] += 1
        if task.status and task.status != ended:
            book.breach(f"the stream of {task.task_id} ended as {ended}, the task as {task.status}")
        task.status = ended


async def _frames(client: Client, task: Task, last: int) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Events with an id until the connection ends in whatever way."""
    headers = {"Last-Event-ID": str(last)} if last else {}
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S, sock_read=20)
    try:
        async with client.http.get(f"tasks/{task.task_id}/stream", headers=headers, timeout=timeout) as response:
            if response.status == 404:
                client.book.breach(f"the stream of the accepted task {task.task_id} was answered 404")
            if response.status != 200:
                return
            name = ""
            async for line in response.content:
                if line.startswith(b"event: "):
                    name = line[7:].strip().decode()
                elif line.startswith(b"data: ") and name not in {"progress", "resume"}:
                    yield name, msgspec.json.decode(line[6:])
    except (aiohttp.ClientError, TimeoutError, OSError):
        client.book.seen["streams broken"] += 1
