"""Reports that rendering began. They wait a little, so that what is done by then is told in one write with its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gpu_agents.worker.commands import Outcome
from gpu_agents.worker.publisher import Publisher
from schemas.render import StageStartedReport

HELD = 0.05  # seconds


class Beginnings:
    """Reports go out in the order in which they were added, each acknowledged no later than the outcome of its command."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._held: dict[str, StageStartedReport] = {}
        self._told: dict[str, asyncio.Event] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._telling: set[asyncio.Task[None]] = set()

    def add(self, report: StageStartedReport) -> None:
        """Tell it after `HELD` seconds, unless it goes with an outcome before."""
        key = report.envelope.event_id
        self._held[key], self._told[key] = report, asyncio.Event()
        timer = self._timers[key] = asyncio.create_task(self._tell_later(key), name="started")
        self._telling.add(timer)
        timer.add_done_callback(self._telling.discard)

    async def tell(self, report: StageStartedReport, outcome: Outcome) -> None:
        """Tell the outcome of the command behind its beginning, however long the broker is away."""
        key = report.envelope.event_id
        if key in self._held:
            await self._deliver(self._take(key), [outcome])
        else:
            await self._told[key].wait()
            await self._publisher.deliver([outcome])
        del self._told[key]

    def forget(self, report: StageStartedReport) -> None:
        """Nobody needs to know that it began."""
        key = report.envelope.event_id
        if self._held.pop(key, None) is not None:
            self._timers.pop(key).cancel()

    def close(self) -> None:
        """Tell nothing any more."""
        for telling in self._telling:
            telling.cancel()

    async def _tell_later(self, key: str) -> None:
        await asyncio.sleep(HELD)
        if key in self._held:
            del self._timers[key]  # what is being told is not called off
            await self._deliver(self._take(key), [])

    def _take(self, key: str) -> list[StageStartedReport]:
        """Everything that is held up to this one."""
        taken = []
        for other in list(self._held):
            taken.append(self._held.pop(other))
            if (timer := self._timers.pop(other, None)) is not None:
                timer.cancel()
            if other == key:
                break
        return taken

    async def _deliver(self, reports: Sequence[StageStartedReport], outcomes: Sequence[Outcome]) -> None:
        await self._publisher.deliver([*reports, *outcomes])
        for report in reports:
            if (told := self._told.get(report.envelope.event_id)) is not None:
                told.set()
