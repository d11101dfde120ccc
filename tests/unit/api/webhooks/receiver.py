"""A receiver of webhooks, and the check of a signature, written from the Standard Webhooks specification alone."""

from __future__ import annotations

import asyncio
import base64
import hmac
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from msgspec import Struct


class Got(Struct, frozen=True):
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """Answers each request with what `answer` says: a status, or raw bytes. `got` grows with every request."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.port = 0
        self.answer: Callable[[Got], int | bytes] = lambda _: 204
        self._grown = asyncio.Event()

    async def until(self, count: int) -> list[Got]:
        """What came, once so many requests came."""
        async with asyncio.timeout(120):
            while len(self.got) < count:
                self._grown.clear()
                await self._grown.wait()
        return self.got

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        got = Got(head[0].split(" ")[1], headers, await reader.readexactly(int(headers["content-length"])))
        answer = self.answer(got)
        if isinstance(answer, int):
            answer = f"HTTP/1.1 {answer} X\r\nContent-Length: 0\r\n\r\n".encode()
        writer.write(answer)
        self.got.append(got)
        self._grown.set()
        await reader.read()
        writer.close()


@asynccontextmanager
async def receiving(context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The message's id if one of its signatures is good and it is at most five minutes old, else an `AssertionError`."""
    kind, _, encoded = secret.partition("_")
    assert kind == "whsec"
    key = base64.b64decode(encoded)
    assert 24 <= len(key) <= 64
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    assert "." not in message_id
    assert abs(now - int(timestamp)) < 300
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, "sha256").digest()
    wanted = "v1," + base64.b64encode(digest).decode()
    assert any(hmac.compare_digest(wanted, given) for given in headers["webhook-signature"].split(" "))
    return message_id
