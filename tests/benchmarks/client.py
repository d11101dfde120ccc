"""The load, as a process of its own: `python -m tests.benchmarks.client` reads an `Order` as JSON and writes a `Seen`.

Keep-alive connections that send one request after another, on uvloop and httptools: a fraction of a millisecond of CPU time
a request, and the CPU time is reported.
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from typing import Any, Literal

import httptools
import msgspec
import uvloop
from msgspec import Struct

PAUSE = 0.002  # seconds between two questions for a task


class Order(Struct, kw_only=True):
    """`requests` pictures over `connections`; in mode "single" each is followed until it is completed."""

    host: str
    port: int
    keys: list[str]
    requests: int
    connections: int = 1
    mode: Literal["accepts", "single"] = "accepts"
    size: tuple[int, int] = (1536, 864)
    first_seed: int = 0


class Seen(Struct, kw_only=True):
    """Milliseconds of every accepted request; `again` counts answers that said to come back and were asked again."""

    seconds: float
    cpu_s: float
    post_ms: list[float]
    whole_ms: list[float]
    again: int
    tasks: list[str]


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._body = b""
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        self._body += part

    def on_message_complete(self) -> None:
        assert self._answer is not None
        self._answer.set_result((self._parser.get_status_code(), self._body))
        self._body = b""
        self._parser = httptools.HttpResponseParser(self)

    async def ask(self, message: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return await self._answer


class Load:
    """One order being carried out."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._numbers = iter(range(order.requests))
        self.post_ms: list[float] = []
        self.whole_ms: list[float] = []
        self.tasks: list[str] = []
        self.keys: list[str] = []  # of the tasks' accounts
        self.again = 0

    async def run(self) -> None:
        """All of it over all connections."""
        order, loop = self._order, asyncio.get_running_loop()
        made = [await loop.create_connection(Connection, order.host, order.port) for _ in range(order.connections)]
        await asyncio.gather(*(self._work(connection) for _, connection in made))
        for transport, _ in made:
            transport.close()

    async def _work(self, connection: Connection) -> None:
        for number in self._numbers:
            key = self._order.keys[number % len(self._order.keys)]
            message = self._post(number, key)
            began = time.perf_counter()
            task = await self._accepted(connection, message)
            self.post_ms.append((time.perf_counter() - began) * 1000)
            self.tasks.append(task)
            self.keys.append(key)
            if self._order.mode == "single":
                await self._follow(connection, task, key)
                self.whole_ms.append((time.perf_counter() - began) * 1000)

    async def _accepted(self, connection: Connection, message: bytes) -> str:
        while True:
            status, body = await connection.ask(message)
            if status == 202:
                return str(msgspec.json.decode(body)["task_id"])
            if status != 503:
                raise RuntimeError(f"answer {status}: {body[:300].decode()}")
            self.again += 1
            await asyncio.sleep(0.05)

    async def _follow(self, connection: Connection, task: str, key: str) -> None:
        message = self._message(f"GET /api/v1/tasks/{task}", key)
        while True:
            _, body = await connection.ask(message)
            status = msgspec.json.decode(body).get("status")
            if status == "completed":
                return
            if status not in {"queued", "processing", None}:
                raise RuntimeError(f"task {task} is {status}")
            await asyncio.sleep(PAUSE)

    def _post(self, number: int, key: str) -> bytes:
        width, height = self._order.size
        body = msgspec.json.encode(
            {
                "prompt": "load",
                "engine": "null",
                "width": width,
                "height": height,
                "seed": self._order.first_seed + number,
            }
        )
        more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nIdempotency-Key: {uuid.uuid4()}\r\n"
        return self._message("POST /api/v1/images/generate", key, more) + body

    def _message(self, line: str, key: str, more: str = "") -> bytes:
        host = f"{self._order.host}:{self._order.port}"
        return f"{line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n{more}\r\n".encode()


async def carry_out(order: Order) -> Seen:
    """The whole order and what it cost."""
    load = Load(order)
    began, busy = time.perf_counter(), time.process_time()
    await load.run()
    return Seen(
        seconds=time.perf_counter() - began,
        cpu_s=time.process_time() - busy,
        post_ms=load.post_ms,
        whole_ms=load.whole_ms,
        again=load.again,
        tasks=load.tasks,
    )


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(carry_out(order))))


if __name__ == "__main__":
    main()
