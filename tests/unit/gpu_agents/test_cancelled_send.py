"""A cancellation that comes in the same moment as the broker's acknowledgement ends the caller all the same."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from infra.kafka import send


class Broker:
    """A producer whose acknowledgement the test gives."""

    def __init__(self) -> None:
        self.acknowledged: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def send(self, *_: object, **__: object) -> asyncio.Future[Any]:
        return self.acknowledged


async def test_a_cancellation_is_not_swallowed_by_the_acknowledgement() -> None:
    broker: Any = Broker()
    sending = asyncio.create_task(send(broker, "reports", b"x", key="k", partition=0, headers=[], timeout=30))
    for _ in range(5):
        await asyncio.sleep(0)
    broker.acknowledged.set_result(SimpleNamespace(offset=7))
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
