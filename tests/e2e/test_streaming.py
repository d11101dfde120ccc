"""An account's stream: connections broken at random places while work goes on, and a process that stops under them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from infra.local.stack import LocalStack
from tests.e2e.conftest import Account
from tests.e2e.test_following import SMALL

TASKS = 30
Events = AsyncIterator[dict[str, Any]]


async def _sse(account: Account, after: int | None) -> Events:
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    async with account.http.stream("GET", "stream", headers=headers) as response:
        assert response.status_code == 200
        name = ""
        async for line in response.aiter_lines():
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                yield {"event": name} | json.loads(line[5:])


async def _socket(account: Account, after: int | None) -> Events:
    url = str(account.http.base_url).replace("http", "ws", 1) + "stream"
    async with connect(url, proxy=None, open_timeout=30) as socket:
        hello = {"authorization": account.http.headers["authorization"]}
        await socket.send(json.dumps(hello if after is None else hello | {"last_event_id": after}))
        try:
            async for message in socket:
                yield json.loads(message)
        finally:
            socket.transport.abort()  # a connection that breaks, not one that is closed politely


def completed(events: list[dict[str, Any]]) -> int:
    """How many tasks completed."""
    return sum(event.get("status") == "completed" for event in events)


async def _take(events: Events, count: int, seen: list[dict[str, Any]], until: int) -> int | None:
    """Read so many messages or until so many tasks completed, keep the events among them, break the connection.

    The last id that was told.
    """
    last = None
    async with aclosing(events):  # type: ignore[type-var]
        async for event in events:
            if "id" in event:
                seen.append(event)
                last = event["id"]
            elif event["event"] == "stream.opened":
                last = event["last_event_id"]
            count -= 1
            if count <= 0 or completed(seen) == until:
                break
    return last


async def _work(account: Account) -> list[str]:
    """Ask for all tasks, one after another, on a machine that may be too busy to decide one in time."""
    made = []
    for seed in range(TASKS):
        headers = {"Idempotency-Key": f"s{seed}"}
        body = SMALL | {"seed": seed}
        while (answer := await account.http.post("images/generate", json=body, headers=headers)).status_code == 503:
            await asyncio.sleep(0.2)
        assert answer.status_code == 202, answer.text
        made.append(answer.json()["task_id"])
    return made


async def test_connections_broken_at_random_places_lose_nothing_and_repeat_nothing(account: Account) -> None:
    dice = random.Random(20)
    seen: list[dict[str, Any]] = []
    last = await _take(_sse(account, None), 1, seen, TASKS)
    assert last == 0

    async with asyncio.timeout(150), asyncio.TaskGroup() as group:
        working = group.create_task(_work(account))
        while completed(seen) < TASKS:
            open_stream = dice.choice((_sse, _socket))
            told = await _take(open_stream(account, last), dice.randint(1, 12), seen, TASKS)
            last = last if told is None else told
    history = []
    for task_id in working.result():
        history += (await account.http.get(f"tasks/{task_id}/events")).json()["items"]
    history.sort(key=lambda event: int(event["id"]))
    assert [event["id"] for event in history] == list(range(1, len(history) + 1))
    assert seen == history


async def test_a_stop_of_the_api_ends_streams_and_the_next_process_goes_on(account: Account, stack: LocalStack) -> None:
    seen: list[dict[str, Any]] = []
    async with aclosing(_socket(account, 0)) as socket, aclosing(_sse(account, 0)) as frames:  # type: ignore[type-var]
        assert (await anext(socket))["event"] == (await anext(frames))["event"] == "stream.opened"
        stopping = asyncio.create_task(stack.restart("api"))
        async with asyncio.timeout(60):
            try:
                said = [message async for message in socket]
            except ConnectionClosed as closed:
                said = [{"reason": "shutdown"}] if closed.rcvd and closed.rcvd.code == 1012 else []
            assert said[-1]["reason"] == "shutdown"
            assert [frame async for frame in frames][-1]["reason"] == "shutdown"
            await stopping
    await account.accepted("images/generate", SMALL)
    async with asyncio.timeout(60):
        while completed(seen) < 1:
            await _take(_socket(account, seen[-1]["id"] if seen else 0), 3, seen, 1)
    assert [event["id"] for event in seen] == list(range(1, len(seen) + 1))
