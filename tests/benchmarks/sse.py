"""200 clients that follow a task each, at two updates a second: CPU time of the API beyond what it needs without updates.

The stack renders nothing. When the tasks are queued the coordinator is held down and the benchmark goes on in its place: it
says that every first stage has begun, and tells progress as devices would.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psutil
from aiokafka import AIOKafkaProducer
from msgspec.structs import replace

from infra.cli.user import create_user
from infra.kafka import Outgoing, create_producer, send_all
from infra.local import ports
from infra.local.apps import APPS
from infra.local.stack import LocalStack, StackOptions
from infra.registry import load_codec
from schemas.envelope import Record
from schemas.ids import new_id
from schemas.render import StageProgressed
from schemas.serde import Codec
from schemas.tasks import StageDispatched, StageStarted, TaskQueued
from schemas.topics import TASKS, TOPIC_OF, TOPICS
from tests.benchmarks.figures import Figure, Options
from tests.tailing import tailing

BODY = {"prompt": "followed", "engine": "null", "width": 512, "height": 512, "seed": 1}
PACE = 0.5  # seconds between two updates of a task
TICKS = 10  # of a pace: in each a tenth of the tasks tells progress
STAGE: dict[str, Any] = {"attempt": 1, "device_id": "cpu-0", "epoch": 1}


async def measure(options: Options) -> list[Figure]:
    """One stack; every run has a span without updates and one with them."""
    clients, seconds = options.count(200, 40), options.count(20, 5)
    async with _followed(clients) as (stack, writer, followers):
        api = psutil.Process(stack.pid_of("api"))
        idle, busy, missing = [], [], []
        for _ in range(options.runs):
            idle.append(await _load(api, asyncio.sleep(seconds)))
            before = followers.updates
            busy.append(await _load(api, writer.progress(seconds)))
            await followers.reached(before + writer.told)
            missing.append(writer.told - (followers.updates - before))
            options.say(
                f"API: {busy[-1]:.1f} % of a core with {writer.told / seconds:.0f} updates/s, {idle[-1]:.1f} % without"
            )
        extra = [with_ - without for with_, without in zip(busy, idle, strict=True)]
        return [
            Figure(
                name=f"{clients} SSE clients at 2 updates/s", unit="% of a core", runs=extra, limit=20, better="less"
            ),
            Figure(name="the API with these clients and no updates", unit="% of a core", runs=idle, better="less"),
            Figure(
                name="updates that did not arrive", unit="", runs=[float(n) for n in missing], limit=0, better="less"
            ),
        ]


async def _load(process: psutil.Process, work: Any) -> float:
    """CPU time of the process while the work lasts, percent of a core."""
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    await work
    return 100 * (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)


@asynccontextmanager
async def _followed(clients: int) -> AsyncIterator[tuple[LocalStack, Writer, Followers]]:
    """A stack with that many running tasks, each followed by a client."""
    options = StackOptions(apps=APPS, topics=TOPICS, api_port=ports.choose(None, frozenset()))
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="storyreel-sse-")))
        stack = await opened.enter_async_context(LocalStack(folder, options=options))
        key = str((await asyncio.to_thread(create_user, stack.settings, "vip"))["api_key"])
        async with tailing(stack.settings, TASKS.name) as tail:
            await _post(stack.settings.base_url, key, clients)
            while len(queued := tail.all(TaskQueued)) < clients:
                await asyncio.sleep(0.05)
        await stack.hold_down("coordinator")
        producer = create_producer(stack.settings.kafka)
        await producer.start()
        opened.push_async_callback(producer.stop)
        writer = Writer(producer, await load_codec(stack.settings), queued)
        followers = Followers(stack.settings.base_url, key)
        opened.push_async_callback(followers.stop)
        await followers.follow([task.task_id for task in queued])
        await writer.begin()
        await followers.reached(0, started=clients)
        yield stack, writer, followers


async def _post(base_url: str, key: str, count: int) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(f"{base_url}/api/v1/", headers=headers) as http:
        for _ in range(count):
            async with http.post("images/generate", json=BODY) as answer:
                assert answer.status == 202, await answer.text()


class Writer:
    """Plays coordinator and devices for tasks that are queued."""

    def __init__(self, producer: AIOKafkaProducer, codec: Codec, tasks: Sequence[TaskQueued]) -> None:
        self._producer, self._codec, self._tasks = producer, codec, tasks
        self._step = 0
        self.told = 0

    async def begin(self) -> None:
        """Every first stage is dispatched and begins."""
        last, events = self._tasks[-1], list[Record]()
        number = itertools.count(1)
        for task in self._tasks:
            for sequence, kind in ((1, StageDispatched), (2, StageStarted)):
                n = next(number)
                stamp = replace(
                    last.stamp,
                    shard_seq=last.stamp.shard_seq + n + 1_000,  # after the quota events of the same shard
                    partition_seq=last.stamp.partition_seq + n,
                    account_seq=last.stamp.account_seq + n,
                )
                envelope = replace(task.envelope, event_id=new_id(), sequence=task.envelope.sequence + sequence)
                where: dict[str, Any] = {"task_id": task.task_id, "stage_id": task.stages[0].stage_id}
                events.append(kind(envelope=envelope, stamp=stamp, **where, **STAGE))
        await self._send(events)

    async def progress(self, seconds: float) -> None:
        """Two updates a second of every task, spread over time."""
        self.told = 0
        began = time.monotonic()
        for tick in range(round(seconds / PACE) * TICKS):
            await asyncio.sleep(max(0.0, began + tick * PACE / TICKS - time.monotonic()))
            self._step += tick % TICKS == 0
            due = self._tasks[tick % TICKS :: TICKS]
            await self._send([self._update(task) for task in due])
            self.told += len(due)
        await asyncio.sleep(PACE / TICKS)

    def _update(self, task: TaskQueued) -> StageProgressed:
        where: dict[str, Any] = {"task_id": task.task_id, "stage_id": task.stages[0].stage_id}
        envelope = replace(task.envelope, event_id=new_id())
        done: dict[str, Any] = {"percent": self._step % 1000 / 10, "step": self._step, "steps": 1_000}
        return StageProgressed(envelope=envelope, sent_at=datetime.now(UTC), **where, **done, **STAGE)

    async def _send(self, records: Sequence[Record]) -> None:
        await send_all(
            self._producer,
            [
                Outgoing(
                    TOPIC_OF[type(record)].name,
                    0,
                    record.envelope.aggregate_id.encode(),
                    self._codec.encode(record),
                    self._codec.headers(record, "benchmark"),
                )
                for record in records
            ],
            60.0,
        )


class Followers:
    """Clients that count what comes."""

    def __init__(self, base_url: str, key: str) -> None:
        self._address, self._key = urlsplit(base_url), key
        self._reading: list[asyncio.Task[None]] = []
        self.started = self.updates = 0

    async def follow(self, tasks: Sequence[str]) -> None:
        """Open a stream for every task; returns when all have been answered."""
        for task_id in tasks:
            reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
            path = f"/api/v1/tasks/{task_id}/stream"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {self._key}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head.split(b"\r\n")[0], head
            self._reading.append(asyncio.create_task(self._read(reader, writer)))

    async def reached(self, updates: int, started: int = 0, patience: float = 60) -> None:
        """Wait until so many updates and beginnings came, for `patience` seconds at most."""
        until = time.monotonic() + patience
        while (self.updates < updates or self.started < started) and time.monotonic() < until:
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Close all."""
        for reading in self._reading:
            reading.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for line in reader:
                self.updates += line == b"event: progress\n"
                self.started += line == b"event: stage.started\n"
        finally:
            writer.close()
