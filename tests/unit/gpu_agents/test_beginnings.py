"""Beginnings are told in order, each not after the outcome of its command."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_agents.worker import outcomes
from gpu_agents.worker.beginnings import Beginnings
from gpu_agents.worker.clock import utc_now
from schemas.common import StageKind
from schemas.envelope import Envelope, Record
from schemas.render import RenderCommand, StageStartedReport


class Log:
    """Takes what is delivered, after `delay` seconds."""

    def __init__(self, delay: float = 0.0) -> None:
        self.writes: list[list[str]] = []
        self.delay = delay

    async def deliver(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(self.delay)
        self.writes.append([_name(record) for record in records])


def _name(record: Any) -> str:
    return f"{'began' if isinstance(record, StageStartedReport) else 'ended'} {record.task_id}"


def _command(task: str) -> RenderCommand:
    return RenderCommand(
        envelope=Envelope(event_id=task, aggregate_id="cpu-0", occurred_at=utc_now()),
        task_id=task,
        stage_id="shot-01",
        kind=StageKind.SHOT,
        attempt=1,
        device_id="cpu-0",
        epoch=1,
    )


async def test_a_short_job_is_told_in_one_write() -> None:
    log: Any = Log()
    beginnings, command = Beginnings(log), _command("a")
    beginning = outcomes.started(command, utc_now())
    beginnings.add(beginning)
    await beginnings.tell(beginning, outcomes.cancelled(command, utc_now()))
    assert log.writes == [["began a", "ended a"]]


async def test_the_beginning_of_a_long_job_does_not_wait_for_its_end() -> None:
    log: Any = Log()
    beginnings, command = Beginnings(log), _command("a")
    beginning = outcomes.started(command, utc_now())
    beginnings.add(beginning)
    while not log.writes:
        await asyncio.sleep(0.01)
    assert log.writes == [["began a"]]
    await beginnings.tell(beginning, outcomes.cancelled(command, utc_now()))
    assert log.writes == [["began a"], ["ended a"]]


async def test_a_forgotten_beginning_is_not_told() -> None:
    log: Any = Log()
    beginnings, (gone, kept) = Beginnings(log), map(_command, "ab")
    reports = [outcomes.started(command, utc_now()) for command in (gone, kept)]
    for report in reports:
        beginnings.add(report)
    beginnings.forget(reports[0])
    await beginnings.tell(reports[1], outcomes.cancelled(kept, utc_now()))
    assert log.writes == [["began b", "ended b"]]


@settings(max_examples=30, deadline=None)
@given(order=st.permutations("abcdef"), delay=st.sampled_from([0.0, 0.002, 0.06]), pauses=st.integers(0, 4))
def test_every_order_of_outcomes_keeps_the_order_of_beginnings(order: list[str], delay: float, pauses: int) -> None:
    async def history() -> list[str]:
        log: Any = Log(delay)
        beginnings = Beginnings(log)
        reports = {task: outcomes.started(_command(task), utc_now()) for task in "abcdef"}
        telling = []
        for report in reports.values():
            beginnings.add(report)
        for task in order:
            await asyncio.sleep(0.015 * pauses)
            end = outcomes.cancelled(_command(task), utc_now())
            telling.append(asyncio.create_task(beginnings.tell(reports[task], end)))
        await asyncio.gather(*telling)
        return [name for write in log.writes for name in write]

    told = asyncio.run(history())
    assert sorted(told) == sorted(f"{word} {task}" for word in ("began", "ended") for task in "abcdef")
    assert [name for name in told if name.startswith("began")] == [f"began {task}" for task in "abcdef"]
    assert all(told.index(f"began {task}") < told.index(f"ended {task}") for task in "abcdef")
