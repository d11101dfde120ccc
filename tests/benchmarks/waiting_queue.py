"""10,000 tasks that wait because there is no device: what accepting costs then, and how fast half of them are cancelled."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from msgspec import Struct
from msgspec.structs import replace

from infra.cli.user import create_user
from infra.local import ports
from infra.local.apps import APPS
from infra.local.stack import LocalStack, StackOptions
from infra.settings import Settings
from schemas.topics import TOPICS
from tests.benchmarks.client import Connection, Load, Order
from tests.benchmarks.figures import Figure, Options
from tests.benchmarks.sides import ACCOUNTS

WARM = 200
PROBES = 500  # requests whose time is measured, before and after
AT_ONCE = 8
PORTIONS = 10
CROWD = 64  # connections that fill the queue and cancel
PATIENT = Settings(acquire_timeout=86_400)  # nothing is given up for want of a device


async def measure(options: Options) -> list[Figure]:
    """One queue: it takes as long to fill as everything else."""
    waiting = options.count(10_000, 1_000)
    probes = options.count(PROBES, 100)
    with tempfile.TemporaryDirectory(prefix="storyreel-queue-") as folder:
        base = replace(PATIENT, data_dir=Path(folder))
        stack_options = StackOptions(apps=APPS, topics=TOPICS, api_port=ports.choose(None, frozenset()), base=base)
        async with LocalStack(Path(folder), options=stack_options) as stack:
            queue = Queue(stack)
            await queue.open()
            await queue.accept(WARM, AT_ONCE)
            found = Found(waiting=waiting, idle=await queue.accept(probes, AT_ONCE))
            memory = queue.memory()
            for _ in range(PORTIONS):
                await queue.accept(waiting // PORTIONS, CROWD)
                options.say(f"{len(queue.tasks) - probes - WARM:,} tasks wait")
            found.full = await queue.accept(probes, AT_ONCE)
            found.grown = {name: mb - memory[name] for name, mb in queue.memory().items()}
            options.keep(found.figures())
            found.cancelled_s = [await queue.cancel(queue.tasks[: waiting // 2])]
    return found.figures()


class Found(Struct, kw_only=True):
    """Milliseconds of accepting with an idle and a full queue, MB by process that the full one takes, seconds of cancelling."""

    waiting: int
    idle: list[float]
    full: list[float] = []
    grown: dict[str, float] = {}
    cancelled_s: list[float] = []

    def figures(self) -> list[Figure]:
        """All so far."""
        half = f"cancel of {self.waiting // 2:,} of them"
        return [
            Figure(
                name=f"accept p99 with {self.waiting:,} waiting tasks",
                unit="ms",
                runs=[_p99(self.full)],
                baseline=[_p99(self.idle)],
                limit=3,
                better="less",
                of_baseline=True,
            ),
            *(Figure(name=half, unit="s", runs=[s], limit=10, better="less") for s in self.cancelled_s),
            *(
                Figure(name=f"memory for {self.waiting:,} waiting tasks, {name}", unit="MB", runs=[mb], better="less")
                for name, mb in self.grown.items()
            ),
        ]


def _p99(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


class Queue:
    """Requests of several accounts to a stack without devices."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._address = urlsplit(stack.settings.base_url)
        self._keys: list[str] = []
        self._seeds = 0
        self.tasks: list[tuple[str, str]] = []  # id and the key of its account

    async def open(self) -> None:
        """Make the accounts."""
        settings = self._stack.settings
        users = [await asyncio.to_thread(create_user, settings, "vip") for _ in range(ACCOUNTS)]
        self._keys = [str(user["api_key"]) for user in users]

    async def accept(self, count: int, connections: int) -> list[float]:
        """Ask for so many pictures; milliseconds of each request."""
        order = self._order(count, connections)
        order.first_seed, self._seeds = self._seeds, self._seeds + count
        load = Load(order)
        await load.run()
        self.tasks += zip(load.tasks, load.keys, strict=True)
        return load.post_ms

    async def cancel(self, tasks: Sequence[tuple[str, str]]) -> float:
        """Seconds until all are answered and show as cancelled."""
        began, todo, loop = time.monotonic(), iter(tasks), asyncio.get_running_loop()
        order = self._order(0, CROWD)

        async def work(connection: Connection) -> None:
            for task_id, key in todo:
                head = f"POST /api/v1/tasks/{task_id}/cancel HTTP/1.1\r\nHost: {order.host}\r\nContent-Length: 0\r\n"
                message = f"{head}Authorization: Bearer {key}\r\n\r\n".encode()
                status, body = await connection.ask(message)
                while status == 503:
                    await asyncio.sleep(0.05)
                    status, body = await connection.ask(message)
                assert status in (200, 202), body
                assert b'"cancelled"' in body, body

        made = [await loop.create_connection(Connection, order.host, order.port) for _ in range(CROWD)]
        await asyncio.gather(*(work(connection) for _, connection in made))
        for transport, _ in made:
            transport.close()
        return time.monotonic() - began

    def memory(self) -> dict[str, float]:
        """Resident memory in MB of the processes that keep something of a task."""
        names = ("coordinator", "api", "read-models", "kafka")
        return {name: psutil.Process(self._stack.pid_of(name)).memory_info().rss / 1e6 for name in names}

    def _order(self, requests: int, connections: int) -> Order:
        assert self._address.hostname is not None
        assert self._address.port is not None
        return Order(
            host=self._address.hostname,
            port=self._address.port,
            keys=self._keys,
            requests=requests,
            connections=connections,
            size=(512, 512),
        )
