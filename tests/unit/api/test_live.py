from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.live.decisions import DecisionBoard
from api.live.feed import Feed
from api.live.hub import Hub
from api.live.overlay import Overlay
from api.live.stream import task_stream
from api.metrics import Metrics
from api.reads import Reads
from projections.folds.task_events import task_event_row
from projections.folds.tasks import apply_task
from schemas.common import Artifact, StageKind, StagePlan, TaskKind
from schemas.decisions import Outcome, RequestDecided
from schemas.render import StageProgressed
from schemas.tasks import (
    AnyTaskEvent,
    StageCompleted,
    StageDispatched,
    StageStarted,
    TaskCompleted,
    TaskQueued,
)
from tests.unit.api.support import MemoryLog, MemoryReadModel, stamped

ACCOUNT, TASK = "acc", "t1"


def story(task_id: str = TASK, first: int = 1) -> list[AnyTaskEvent]:
    """The events of a task that completes, in order."""
    stage = StagePlan(stage_id="shot-01", kind=StageKind.SHOT, engine="sketch", deliver=True)
    events: list[AnyTaskEvent] = [
        TaskQueued(task_id=task_id, kind=TaskKind.IMAGE, stages=[stage]),
        StageDispatched(task_id=task_id, stage_id="shot-01", attempt=1, device_id="cpu-0"),
        StageStarted(task_id=task_id, stage_id="shot-01", attempt=1, device_id="cpu-0"),
        StageCompleted(task_id=task_id, stage_id="shot-01", attempt=1, render_ms=40),
        TaskCompleted(task_id=task_id, outputs=[Artifact(role="main", key="k")]),
    ]
    return [stamped(event, ACCOUNT, n + 1, first + n) for n, event in enumerate(events)]


def progress(percent: float, attempt: int = 1) -> StageProgressed:
    return StageProgressed(task_id=TASK, stage_id="shot-01", attempt=attempt, percent=percent)


@given(st.integers(0, 5), st.integers(0, 5))
def test_a_row_of_the_read_model_is_joined_with_what_was_seen_since(stored: int, unseen: int) -> None:
    events = story()
    base = None
    for event in events[:stored]:
        base = apply_task(base, event)
    overlay = Overlay()
    for event in events[unseen:]:
        overlay.apply(event)
    newest = None
    for event in events:
        newest = apply_task(newest, event)
    if base is None:
        return
    merged = overlay.merge(base)
    if unseen == 5:
        assert merged == base
    elif unseen <= stored or unseen == 0:
        assert merged == newest
    else:
        assert merged is None


def test_a_task_seen_from_its_beginning_needs_no_read_model() -> None:
    overlay = Overlay()
    rows = [overlay.apply(event) for event in story()]
    assert [row.status for row in rows if row] == ["queued", "queued", "processing", "processing", "completed"]
    assert overlay.row(TASK) == rows[-1]


def test_old_tasks_are_forgotten_when_there_are_too_many() -> None:
    overlay = Overlay(capacity=10)
    for number in range(50):
        for event in story(f"t{number}", 1 + 5 * number):
            overlay.apply(event)
    known = [number for number in range(50) if overlay.row(f"t{number}")]
    assert known == [45, 46, 47, 48, 49]


def test_long_requests_are_forgotten_sooner() -> None:
    overlay = Overlay(capacity=1000)
    for number in range(1, 11):
        overlay.apply(stamped(TaskQueued(task_id=f"t{number}", sealed=bytes(800_000)), ACCOUNT, 1, number))
    assert [number for number in range(1, 11) if overlay.row(f"t{number}")] == [9, 10]


def test_progress_counts_only_for_the_running_attempt() -> None:
    overlay = Overlay()
    queued, dispatched, started, completed, _ = story()
    for event in (queued, dispatched):
        overlay.apply(event)
    assert not overlay.note(progress(10))
    overlay.apply(started)
    assert overlay.note(progress(30))
    assert not overlay.note(progress(90, attempt=2))
    assert overlay.percent(TASK) == {"shot-01": 30}
    overlay.apply(completed)
    assert overlay.percent(TASK) == {}


async def test_a_decision_reaches_only_its_waiter() -> None:
    board = DecisionBoard()
    mine = RequestDecided(request_id="r1", outcome=Outcome.ACCEPTED)
    with board.expect("r1") as future, board.expect("r2") as other:
        board.post(RequestDecided(request_id="r3"))
        board.post(mine)
        board.post(mine)
        assert await future is mine
        assert not other.done()
    assert len(board) == 0


async def test_a_client_that_does_not_read_loses_progress_first_and_then_its_place() -> None:
    hub = Hub(size=2)
    rows = [task_event_row(event) for event in story()]
    with hub.subscribe(TASK) as subscription:
        hub.publish(rows[0])
        hub.publish(rows[1])
        hub.publish(progress(1))
        assert not subscription.ended
        hub.publish(rows[2])
        hub.publish(rows[3])
        assert [await subscription.next(1) for _ in range(3)] == [rows[0], rows[1], None]
    assert len(hub) == 0


class Live:
    """Feed, hub and read model; `happen` is an event on the log that the read model stores at once."""

    def __init__(self) -> None:
        self.model, self.log, self.hub, self.overlay = MemoryReadModel(), MemoryLog(), Hub(size=4), Overlay()
        self.feed = Feed(DecisionBoard(), self.overlay, self.hub, Metrics())
        self.reads = Reads(self.log, self.overlay, self.model, 1)

    def happen(self, event: AnyTaskEvent) -> None:
        self.model.apply(event)
        self.feed.on_record(event)

    async def read(self, after: int = 0) -> list[str]:
        """A whole stream: ids of events, names of other frames."""
        frames = [frame.decode() async for frame in task_stream(self.hub, self.reads, ACCOUNT, TASK, after)]
        return [name_of(frame) for frame in frames if "data:" in frame]


def name_of(frame: str) -> str:
    lines = dict(line.split(": ", 1) for line in frame.strip().split("\n"))
    return lines.get("id", lines["event"])


async def test_a_finished_task_is_told_from_history_and_ends() -> None:
    live = Live()
    for event in story():
        live.happen(event)
    assert await live.read() == ["1", "2", "3", "4", "5"]
    assert await live.read(after=3) == ["4", "5"]
    assert await live.read(after=5) == []


@pytest.mark.parametrize("before", range(5))
async def test_history_and_live_join_without_loss_or_repetition(before: int) -> None:
    live = Live()
    events = story()
    for event in events[:before]:
        live.happen(event)
    if before == 0:
        live.happen(events[0])
        before = 1
    # The next event happens after the client subscribed but before its history was read: it comes on both ways.
    pending = list(events[before:])

    def between() -> None:
        if pending and len(live.hub):
            live.happen(pending.pop(0))

    live.log.on_end = between
    reading = asyncio.create_task(live.read())
    while pending or not reading.done():
        await asyncio.sleep(0)
        if pending and len(live.hub) and not reading.done():
            live.happen(pending.pop(0))
    assert await reading == ["1", "2", "3", "4", "5"]


async def test_progress_is_shown_between_events_without_an_id() -> None:
    live = Live()
    *running, completed, done = story()
    for event in running:
        live.happen(event)
    frames = task_stream(live.hub, live.reads, ACCOUNT, TASK, 3)
    await anext(frames)
    waiting = asyncio.ensure_future(anext(frames))
    await asyncio.sleep(0)
    live.feed.on_record(progress(50))
    assert (await waiting).startswith(b"event: progress\ndata: ")
    live.happen(completed)
    live.happen(done)
    assert [name_of(frame.decode()) async for frame in frames] == ["4", "5"]


async def test_a_stream_resumed_after_an_id_of_the_future_ends_with_its_task() -> None:
    live = Live()
    first, *rest = story()
    live.happen(first)
    frames = task_stream(live.hub, live.reads, ACCOUNT, TASK, 10**9)
    await anext(frames)
    waiting = asyncio.ensure_future(anext(frames, None))
    await asyncio.sleep(0)
    for event in rest:
        live.happen(event)
    async with asyncio.timeout(5):
        assert await waiting is None


async def test_a_stream_that_ends_early_says_where_to_go_on() -> None:
    live = Live()
    live.happen(story()[0])
    frames = task_stream(live.hub, live.reads, ACCOUNT, TASK, 0)
    await anext(frames)
    assert name_of((await anext(frames)).decode()) == "1"
    live.hub.close()
    assert [frame async for frame in frames] == [b'event: resume\ndata: {"last_event_id":1}\n\n']


async def test_a_quiet_stream_is_kept_alive() -> None:
    live = Live()
    live.happen(story()[0])
    frames = task_stream(live.hub, live.reads, ACCOUNT, TASK, 1, keep_alive_s=0.001)
    await anext(frames)
    assert await anext(frames) == b": keep-alive\n\n"
    await frames.aclose()
    assert len(live.hub) == 0
