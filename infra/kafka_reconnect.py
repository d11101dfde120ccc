"""How often a client knocks at a broker that is away.

aiokafka has no setting for it: every failed connection asks for new metadata, which connects at once, and a retry that must
be quick between transactions (`retry_backoff_ms`) is as quick against a closed port. A few processes made hundreds of
connections a second. Here a client waits between two of them, as Kafka's own clients do (`reconnect.backoff.ms`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka.client import ConnectionGroup
from msgspec import Struct

FIRST = 0.05  # seconds after the first failure; each further one doubles it
LONGEST = 1.0

Connect = Callable[..., Awaitable[Any]]


class _Failed(Struct):
    """Attempts since the first failure, and the earliest next attempt (monotonic seconds)."""

    count: int
    until: float


class Reconnects:
    """Stands before a client's own way to get a connection, which returns None when there is none."""

    def __init__(self, connect: Connect, connected: Callable[[Any, Any], bool]) -> None:
        self._connect = connect
        self._connected = connected
        self._failed: dict[Any, _Failed] = {}

    async def __call__(self, node: Any, **options: Any) -> Any:
        """The connection, None if there is none. Of those who wait for the same node one tries, the others go by what it got."""
        failed = self._failed.get(node)
        if failed is None or self._connected(node, options.get("group")):
            return await self._attempt(node, options)
        count = failed.count
        await asyncio.sleep(failed.until - time.monotonic())
        if (now := self._failed.get(node)) is not None and now.count != count:
            return None
        return await self._attempt(node, options)

    async def _attempt(self, node: Any, options: dict[str, Any]) -> Any:
        before = self._failed.get(node)
        if before is not None:
            before.count += 1  # whoever else waits sees that somebody tries
        connection = await self._connect(node, **options)
        if connection is not None:
            self._failed.pop(node, None)
            return connection
        count = before.count if before is not None else 1
        pause = min(LONGEST, FIRST * 2 ** min(count - 1, 10))
        self._failed[node] = _Failed(count, time.monotonic() + pause)
        return None


def bound_reconnects(client: Any) -> None:
    """Let an aiokafka client (`AIOKafkaClient`) pause between failed connections to a node: 50 ms, doubling up to 1 s."""

    def connected(node: Any, group: Any) -> bool:
        connection = client._conns.get((node, group or ConnectionGroup.DEFAULT))  # noqa: SLF001
        return connection is not None and connection.connected()

    client._get_conn = Reconnects(client._get_conn, connected)  # noqa: SLF001
