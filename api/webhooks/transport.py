"""One POST to a client's address: the name is resolved once, judged, and exactly the judged address is connected to."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import certifi
import httpcore
from msgspec import Struct

from api.webhooks.addresses import refusal
from api.webhooks.urls import Target

CONNECT_TIMEOUT = 5.0  # seconds, with the resolution of the name
TOTAL_TIMEOUT = 15.0
Resolve = Callable[[str, int], Awaitable[list[str]]]


class ForbiddenAddressError(Exception):
    """The name stands for an address that may not be called."""


class Answer(Struct, frozen=True):
    """How an attempt ended: the status of the answer, or None and why there is none. `took_ms` in milliseconds."""

    status: int | None
    error: str
    took_ms: int

    @property
    def delivered(self) -> bool:
        """Whether the receiver took the message."""
        return self.status is not None and 200 <= self.status < 300


async def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, without repetition. Raises `OSError` for a name that has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


async def checked_addresses(host: str, port: int, look_up: Resolve, *, allow_private: bool) -> list[str]:
    """The addresses of a name if all of them may be called.

    Raises `ForbiddenAddressError` as soon as one may not, `OSError` when there are none.
    """
    addresses = await look_up(host, port)
    if not addresses:
        raise OSError(f"{host} has no address")
    for address in addresses:
        word = refusal(ip_address(address))
        if word is not None and not allow_private:
            raise ForbiddenAddressError(f"the host stands for a {word} address")
    return addresses


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects only to addresses that were judged a moment ago; nothing resolves the name a second time."""

    def __init__(self, look_up: Resolve, *, allow_private: bool) -> None:
        self._look_up, self._allow_private = look_up, allow_private
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        async with asyncio.timeout(timeout):
            addresses = await checked_addresses(host, port, self._look_up, allow_private=self._allow_private)
            return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise ForbiddenAddressError("no socket of this machine may be called")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Poster:
    """Sends messages, each over a connection of its own. No redirect is followed, no proxy asked, no cookie kept, and nothing of
    an answer is read beyond its headers, which may have 100 KiB.
    """

    def __init__(self, pool: httpcore.AsyncConnectionPool, total_timeout: float) -> None:
        self._pool, self._total = pool, total_timeout

    async def post(self, target: Target, body: bytes, headers: dict[str, str]) -> Answer:
        """One attempt. Whatever goes wrong on the way or over there is an `Answer` too."""
        begun = time.monotonic()
        status: int | None = None
        error = ""
        try:
            async with asyncio.timeout(self._total):
                status = await self._post(target, body, headers)
        except ForbiddenAddressError as forbidden:
            error = str(forbidden)
        except TimeoutError:
            error = f"no answer within {self._total:g} s"
        except (OSError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as failed:
            error = f"{type(failed).__name__}: {failed}"[:200]
        return Answer(status, error, round(1000 * (time.monotonic() - begun)))

    async def _post(self, target: Target, body: bytes, headers: dict[str, str]) -> int:
        url = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        sent = {"host": target.authority, "content-length": str(len(body)), "accept-encoding": "identity", **headers}
        limits = {"connect": CONNECT_TIMEOUT, "read": self._total, "write": self._total, "pool": self._total}
        async with self._pool.stream(
            "POST",
            url,
            headers=[(name.encode(), value.encode()) for name, value in sent.items()],
            content=body,
            extensions={"timeout": limits},
        ) as answer:
            return int(answer.status)


@asynccontextmanager
async def open_poster(
    *,
    allow_private: bool,
    look_up: Resolve = resolve,
    context: ssl.SSLContext | None = None,
    connections: int = 32,
    total_timeout: float = TOTAL_TIMEOUT,
) -> AsyncIterator[Poster]:
    """A poster for at most `connections` messages at once."""
    async with httpcore.AsyncConnectionPool(
        ssl_context=context or ssl.create_default_context(cafile=certifi.where()),
        max_connections=connections,
        max_keepalive_connections=0,
        network_backend=_Pinned(look_up, allow_private=allow_private),
    ) as pool:
        yield Poster(pool, total_timeout)
