"""Task events to task rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.folds.task_rows import TERMINAL, StageRow, TaskRow
from projections.folds.tasks import apply_task
from schemas.common import Artifact, Ending, Problem, StageKind, TaskKind
from schemas.envelope import LedgerRecord
from schemas.errors import ContractError
from schemas.tasks import (
    StageCompleted,
    StageDispatched,
    StageRetryScheduled,
    StagesPlanned,
    StageStarted,
    StageStopped,
    TaskCancelled,
    TaskCancelling,
    TaskCompleted,
    TaskEvent,
    TaskExpired,
    TaskFailed,
    TaskQueued,
    TaskRejected,
)
from tests.unit.projections.ledger import Ledger, plan

BROKEN = Problem(type="RenderError", code="render_failed", detail="no", retryable=True)
FILM = [plan("shot-1", work=300), plan("shot-2", work=300), plan("film", StageKind.FILM, work=400, deliver=True)]


def fold(events: list[LedgerRecord]) -> TaskRow:
    row: TaskRow | None = None
    for event in events:
        if isinstance(event, TaskEvent):
            row = apply_task(row, event)  # type: ignore[arg-type]
    assert row is not None
    return row


def told(*events: TaskEvent) -> TaskRow:
    """The row after these events, stamped in order."""
    ledger = Ledger()
    return fold([ledger.task(event) for event in events])


def queued(**fields: Any) -> TaskQueued:
    return TaskQueued(task_id="t", **({"stages": FILM, "kind": TaskKind.VIDEO} | fields))


def dispatched(stage: str, attempt: int = 1) -> StageDispatched:
    return StageDispatched(task_id="t", stage_id=stage, attempt=attempt, device_id="cpu-0", epoch=1)


def started(stage: str) -> StageStarted:
    return StageStarted(task_id="t", stage_id=stage, attempt=1, device_id="cpu-0", epoch=1)


def done(stage: str) -> StageCompleted:
    return StageCompleted(task_id="t", stage_id=stage, attempt=1, device_id="cpu-0", render_ms=7, sealed=stage.encode())


def stage(row: TaskRow, stage_id: str) -> StageRow:
    return next(found for found in row.stages if found.stage_id == stage_id)


@pytest.mark.parametrize(
    ("events", "status", "state"),
    [
        ([], "queued", "queued"),
        ([dispatched("shot-1")], "queued", "dispatched"),
        ([dispatched("shot-1"), started("shot-1")], "processing", "processing"),
        ([started("shot-1"), done("shot-1")], "processing", "processing"),
        (
            [started("shot-1"), StageRetryScheduled(task_id="t", stage_id="shot-1", problem=BROKEN)],
            "queued",
            "retrying",
        ),
        ([TaskCancelling(task_id="t", ending=Ending.CANCELLED)], "cancelling", "cancelling"),
        ([started("shot-1"), TaskCancelling(task_id="t", ending=Ending.FAILED)], "processing", "cancelling"),
        ([TaskCancelling(task_id="t", ending=Ending.CANCELLED), done("shot-1")], "cancelling", "cancelling"),
        ([TaskCancelled(task_id="t")], "cancelled", "cancelled"),
        ([TaskFailed(task_id="t", problem=BROKEN)], "failed", "failed"),
        ([TaskExpired(task_id="t", problem=BROKEN)], "failed", "expired"),
        ([TaskCompleted(task_id="t")], "completed", "completed"),
    ],
)
def test_the_api_s_words(events: list[TaskEvent], status: str, state: str) -> None:
    row = told(queued(), *events)
    assert (row.status, row.state) == (status, state)


def test_a_rejected_request_shows_as_failed_with_its_reason() -> None:
    row = told(TaskRejected(task_id="t", request_id="r", body_hash="h", kind=TaskKind.IMAGE, problem=BROKEN))
    assert (row.status, row.state, row.problem, row.body_hash) == ("failed", "rejected", BROKEN, "h")
    assert row.finished_at == row.created_at


def test_progress_is_the_share_of_finished_work() -> None:
    assert told(queued()).progress == 0
    assert told(queued(), done("shot-1")).progress == 29  # 300 of 1000, of 99
    assert told(queued(), done("shot-1"), done("shot-2")).progress == 59
    assert told(queued(), done("shot-1"), done("shot-2"), done("film")).progress == 99
    assert told(queued(), done("shot-1"), TaskCompleted(task_id="t")).progress == 100


def test_a_script_is_little_progress_until_the_film_is_planned() -> None:
    script = queued(stages=[plan("script", StageKind.SCRIPT)])
    written = told(script, done("script"))
    assert written.progress == 5
    row = told(script, done("script"), StagesPlanned(task_id="t", stages=FILM))
    assert row.progress == 5
    assert [found.stage_id for found in row.stages] == ["script", "shot-1", "shot-2", "film"]
    assert row.status == "processing"


def test_times_and_devices_of_stages() -> None:
    row = told(queued(), dispatched("shot-1"), started("shot-1"), done("shot-1"), started("shot-2"))
    first = stage(row, "shot-1")
    assert (first.status, first.device_id, first.render_ms) == ("completed", "cpu-0", 7)
    assert row.started_at is not None
    assert first.finished_at is not None
    assert row.created_at < row.started_at < first.finished_at
    assert row.started_at == first.started_at
    assert stage(row, "film").started_at is None
    assert row.results == {"shot-1": b"shot-1"}


def test_a_retry_says_why_and_when_and_a_second_attempt_forgets_it() -> None:
    when = datetime.fromisoformat("2026-05-04T12:00:00+00:00")
    retry = StageRetryScheduled(task_id="t", stage_id="shot-1", problem=BROKEN, not_before=when)
    waiting = stage(told(queued(), started("shot-1"), retry), "shot-1")
    assert (waiting.status, waiting.problem, waiting.not_before) == ("retrying", BROKEN, when)
    again = stage(told(queued(), started("shot-1"), retry, dispatched("shot-1", 2), done("shot-1")), "shot-1")
    assert (again.status, again.problem, again.not_before) == ("completed", None, None)


def test_when_a_task_fails_the_running_stage_failed_and_the_others_were_dropped() -> None:
    row = told(queued(), started("shot-1"), done("shot-1"), started("shot-2"), TaskFailed(task_id="t", problem=BROKEN))
    assert [found.status for found in row.stages] == ["completed", "failed", "cancelled"]
    assert row.problem == BROKEN
    stopped = StageStopped(task_id="t", stage_id="shot-1")
    row = told(queued(), started("shot-1"), TaskCancelling(task_id="t"), stopped, TaskCancelled(task_id="t"))
    assert {found.status for found in row.stages} == {"cancelled"}


def test_a_result_from_an_earlier_task_is_marked() -> None:
    file = Artifact(role="main", key="k")
    row = told(queued(), TaskCompleted(task_id="t", outputs=[file], cached=True))
    assert (row.cached, row.outputs, row.progress) == (True, [file], 100)


@pytest.mark.parametrize(
    "events",
    [
        [started("shot-1")],
        [queued(), queued()],
        [queued(), started("shot-9")],
        [queued(), TaskCompleted(task_id="t"), started("shot-1")],
        [queued(), TaskCancelled(task_id="t"), TaskCompleted(task_id="t")],
    ],
)
def test_events_that_contradict_the_log_are_refused(events: list[TaskEvent]) -> None:
    with pytest.raises(ContractError, match="shard_seq"):
        told(*events)


STAGE_EVENTS = st.sampled_from(["shot-1", "shot-2", "film"]).flatmap(
    lambda name: st.sampled_from(
        [
            dispatched(name),
            started(name),
            done(name),
            StageRetryScheduled(task_id="t", stage_id=name, problem=BROKEN),
            StageStopped(task_id="t", stage_id=name),
        ]
    )
)
ENDINGS = st.sampled_from(
    [
        [],
        [TaskCompleted(task_id="t")],
        [TaskFailed(task_id="t", problem=BROKEN)],
        [TaskCancelling(task_id="t", ending=Ending.CANCELLED), TaskCancelled(task_id="t")],
        [TaskExpired(task_id="t", problem=BROKEN)],
    ]
)


@given(st.lists(STAGE_EVENTS, max_size=12), ENDINGS)
def test_progress_only_grows_and_100_means_completed(middle: list[TaskEvent], ending: list[TaskEvent]) -> None:
    ledger, row, before = Ledger(), None, 0
    for event in [queued(), *middle, *ending]:
        row = apply_task(row, ledger.task(event))
        assert before <= row.progress <= 100
        assert (row.progress == 100) == (row.status == "completed")
        assert row.finished == (row.state in TERMINAL) == (row.finished_at is not None)
        before = row.progress


@given(st.lists(STAGE_EVENTS, max_size=12), ENDINGS, st.data())
def test_a_history_told_twice_is_the_history_told_once(
    middle: list[TaskEvent], ending: list[TaskEvent], data: st.DataObject
) -> None:
    ledger = Ledger()
    history = [ledger.task(event) for event in [queued(), *middle, *ending]]
    back = data.draw(st.integers(0, len(history)))
    once = fold(history)
    assert fold(history + history) == once
    assert fold(history[:back] + history[max(0, back - 3) :]) == once
