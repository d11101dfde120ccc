"""A broker that is away is not stormed, and found again soon after its return."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.structs import BrokerMetadata

from infra.kafka import create_consumer, create_producer
from infra.kafka_reconnect import LONGEST, Reconnects

SECONDS = 1.5
MOST = 20  # the pauses allow about ten, without them there are hundreds


@pytest.mark.parametrize(
    "client_of",
    [
        lambda address: create_consumer(address)._client,
        lambda address: create_producer(address).client,
        lambda address: create_producer(address, "some-id").client,
    ],
    ids=["consumer", "producer", "transactional producer"],
)
async def test_a_client_pauses_between_connections_that_fail(client_of: Callable[[str], Any]) -> None:
    knocks = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal knocks
        knocks += 1
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = client_of(f"127.0.0.1:{port}")
        client.cluster._brokers = {1: BrokerMetadata(1, "127.0.0.1", port, None)}
        ends = time.monotonic() + SECONDS  # the time that is measured

        async def insist() -> None:
            while time.monotonic() < ends:
                assert not await client.ready(1)
                await asyncio.sleep(0.005)

        await asyncio.gather(*(insist() for _ in range(4)))
        await client.close()
    assert 2 <= knocks <= MOST


class Broker:
    """A node that can be away; counts who tried to reach it."""

    def __init__(self) -> None:
        self.there = False
        self.attempts = 0

    async def connect(self, _: int, **_options: Any) -> str | None:
        self.attempts += 1
        await asyncio.sleep(0)
        return "connection" if self.there else None


async def test_many_who_wait_make_one_attempt() -> None:
    broker = Broker()
    reconnects = Reconnects(broker.connect, lambda *_: False)
    assert await reconnects(1) is None
    assert await asyncio.gather(*(reconnects(1, group=0) for _ in range(50))) == [None] * 50
    assert broker.attempts == 2


async def test_a_broker_that_is_back_is_found_within_the_longest_pause_and_then_at_once() -> None:
    broker = Broker()
    reconnects = Reconnects(broker.connect, lambda *_: False)
    for _ in range(4):
        assert await reconnects(1) is None
    broker.there = True
    began = time.monotonic()
    assert await reconnects(1) == "connection"
    assert time.monotonic() - began < LONGEST + 1
    before = broker.attempts
    assert await asyncio.gather(*(reconnects(1) for _ in range(50))) == ["connection"] * 50
    assert broker.attempts == before + 50  # nothing stands between the callers and a node that answers
