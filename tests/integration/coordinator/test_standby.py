"""Two coordinators: one decides, the other follows and takes over, whatever becomes of the first."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from schemas.decisions import Outcome
from schemas.requests import ImageRequested
from tests.integration.coordinator.conftest import SESSION
from tests.integration.coordinator.desk import Coordinator, Desk, check_ledger, images, read_ledger

ACTIVE, STANDBY = "active: deciding", "standby of shard 0: warm"


@asynccontextmanager
async def asking(desk: Desk) -> AsyncIterator[list[ImageRequested]]:
    """Requests at a steady pace in the background; at the end each must have exactly one decision."""
    account = await desk.account()
    asked: list[ImageRequested] = []

    async def ask() -> None:
        while True:
            asked.append(images(account, "nobody-has-it"))
            await desk.write(asked[-1])
            await asyncio.sleep(0.02)

    task = asyncio.create_task(ask())
    try:
        yield asked
    finally:
        task.cancel()
        await asyncio.wait({task})
    await desk.until(lambda: all(desk.decisions[request.request.request_id] for request in asked[:-1]))
    for request in asked[:-1]:
        (decision,) = desk.decisions[request.request.request_id]
        assert decision.outcome is Outcome.ACCEPTED


async def decided_after(desk: Desk, moment: float) -> float:
    """When the first decision after a moment arrived."""
    await desk.until(lambda: max(desk.arrived_at.values()) > moment)
    return min(at for at in desk.arrived_at.values() if at > moment)


async def pause_of_decisions(desk: Desk, since: float) -> float:
    """Longest time without a decision from a moment on, seconds."""
    times = [since, *sorted(at for at in desk.arrived_at.values() if at > since)]
    return max(later - earlier for earlier, later in itertools.pairwise(times))


async def test_the_standby_takes_over_from_one_that_is_killed(
    desk: Desk, coordinator: Coordinator, second: Coordinator, record_property: Callable[[str, object], None]
) -> None:
    await second.start()
    assert STANDBY in second.log.read_text()
    assert ACTIVE not in second.log.read_text()
    async with asking(desk) as asked:
        await desk.until(lambda: len(asked) > 20)
        killed = time.monotonic()
        await coordinator.kill()
        await second.logged(ACTIVE)
        taken = await decided_after(desk, killed + 0.1) - killed
        record_property("takeover_after_kill_s", round(taken, 2))
        print(f"\ntook over {taken:.2f} s after the kill")
        assert taken < 12
        await coordinator.start()
    assert coordinator.log.read_text().count(STANDBY) == 1, "the one that came back does not take the place again"
    await second.kill()
    await coordinator.logged(ACTIVE, 2)
    check_ledger(await read_ledger(desk))


async def test_a_rolling_restart_hands_over_at_once(
    desk: Desk, coordinator: Coordinator, second: Coordinator, record_property: Callable[[str, object], None]
) -> None:
    await second.start()
    async with asking(desk) as asked:
        await desk.until(lambda: len(asked) > 20)
        told = time.monotonic()
        assert await coordinator.stop() == 0
        await second.logged(ACTIVE)
        await decided_after(desk, time.monotonic())
    pause = await pause_of_decisions(desk, told)
    record_property("pause_of_rolling_restart_s", round(pause, 2))
    print(f"\n{pause:.2f} s without a decision")
    assert pause < SESSION, "the session did not have to run out"
    assert await second.stop() == 0
    check_ledger(await read_ledger(desk))


async def test_one_that_was_suspended_is_fenced_and_stands_by(
    desk: Desk, coordinator: Coordinator, second: Coordinator
) -> None:
    await second.start()
    before = coordinator.log.read_text().count(STANDBY)
    async with asking(desk) as asked:
        await desk.until(lambda: len(asked) > 20)
        coordinator.signal(signal.SIGSTOP)
        try:
            await second.logged(ACTIVE)
            await decided_after(desk, time.monotonic())
        finally:
            coordinator.signal(signal.SIGCONT)
        await coordinator.logged(STANDBY, before + 1)
        await decided_after(desk, time.monotonic())
        assert second.log.read_text().count(ACTIVE) == 1
    assert "took over" in coordinator.log.read_text()
    await second.kill()
    account = await desk.account()
    assert (await desk.ask(images(account, "nobody-has-it"))).outcome is Outcome.ACCEPTED
    check_ledger(await read_ledger(desk))
