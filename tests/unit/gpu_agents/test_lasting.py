"""A part of a session that something else cancels ends the session; an order to stop is obeyed."""

from __future__ import annotations

import asyncio

import pytest

from gpu_agents.worker.lease import LeaseLostError
from gpu_agents.worker.session import lasting


async def test_a_cancellation_from_within_is_a_lost_lease() -> None:
    awaited: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def part() -> None:
        await awaited

    async def session() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(lasting(part))
            group.create_task(asyncio.Event().wait())
            asyncio.get_running_loop().call_soon(awaited.cancel)

    with pytest.RaisesGroup(LeaseLostError):
        await asyncio.wait_for(session(), 5)


async def test_an_order_to_stop_stays_one() -> None:
    task = asyncio.create_task(lasting(asyncio.Event().wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
