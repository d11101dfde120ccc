"""What was true at a time is the fold of everything up to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from projections.folds.as_of import limits_as_of, task_as_of, usage_as_of
from projections.folds.quotas import apply_limit, apply_usage, limit_change, usage_change
from projections.folds.task_events import task_event_row
from projections.folds.task_rows import TaskRow
from projections.folds.tasks import apply_task
from schemas.common import Ending, Problem, StageKind, TaskKind
from schemas.quotas import QuotaCommitted, QuotaLimitChanged, QuotaReleased, QuotaReserved
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
    TaskExpired,
    TaskFailed,
    TaskHeld,
    TaskQueued,
    TaskReleased,
)
from tests.unit.projections.ledger import Ledger, plan

PROBLEM = Problem(code="render_failed", detail="the engine gave up")


def stage_events(stage_id: str, attempt: int) -> list[Any]:
    common: dict[str, Any] = {"task_id": "t", "stage_id": stage_id, "attempt": attempt, "device_id": "cpu-0"}
    return [
        StageDispatched(**common, command_id="c"),
        StageStarted(**common),
        StageCompleted(**common, render_ms=40 * attempt, sealed=b"of " + stage_id.encode()),
        StageRetryScheduled(task_id="t", stage_id=stage_id, attempt=attempt, problem=PROBLEM),
        StageStopped(task_id="t", stage_id=stage_id),
    ]


MIDDLE = [event for stage in ("a", "b") for attempt in (1, 2) for event in stage_events(stage, attempt)]
MIDDLE += [TaskHeld(task_id="t"), TaskReleased(task_id="t"), TaskCancelling(task_id="t", ending=Ending.CANCELLED)]
MIDDLE += [StagesPlanned(task_id="t", stages=[plan("c", StageKind.SHOT, work=3, deliver=True)])]
ENDS = [
    TaskCompleted(task_id="t"),
    TaskCancelled(task_id="t"),
    TaskFailed(task_id="t", problem=PROBLEM),
    TaskExpired(task_id="t"),
]


@st.composite
def histories(draw: st.DrawFn) -> list[Any]:
    opened = TaskQueued(
        task_id="t",
        body_hash="hash",
        kind=TaskKind.VIDEO,
        sealed=b"asked for",
        stages=[plan("a"), plan("b", deliver=True)],
    )
    middle = draw(st.lists(st.sampled_from(MIDDLE), max_size=12))
    ends = draw(st.lists(st.sampled_from(ENDS), max_size=1))
    ledger = Ledger()
    return [ledger.task(event) for event in (opened, *middle, *ends)]


def fold(events: list[Any]) -> TaskRow | None:
    row: TaskRow | None = None
    for event in events:
        row = apply_task(row, event)
    return row


@given(histories(), st.integers(-1, 15))
def test_a_task_at_a_time_is_the_fold_of_its_events_up_to_then(events: list[Any], milliseconds: int) -> None:
    current = fold(events)
    assert current is not None
    at = events[0].envelope.occurred_at + timedelta(milliseconds=milliseconds)
    prefix = [event for event in events if event.envelope.occurred_at <= at]
    assert task_as_of(current, map(task_event_row, events), at) == fold(prefix)


DAYS = st.sampled_from(["2026-05-04", "2026-05-05"])
BOOKINGS = st.builds(
    lambda kind, day, used, reserved, resource: kind(day=day, used=used, reserved=reserved, resource=resource),
    st.sampled_from([QuotaReserved, QuotaCommitted, QuotaReleased]),
    DAYS,
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from(["images", "videos"]),
)


@given(st.lists(BOOKINGS, max_size=12), st.integers(-1, 13))
def test_use_at_a_time_is_the_fold_of_the_bookings_up_to_then(bookings: list[Any], milliseconds: int) -> None:
    ledger = Ledger()
    events = [ledger.stamp(event, "ann", "ann") for event in bookings]
    first = Ledger().stamp(QuotaReserved(), "ann", "ann").envelope.occurred_at
    at = first + timedelta(milliseconds=milliseconds)
    rows: dict[Any, Any] = {}
    for event in events:
        if event.envelope.occurred_at <= at:
            rows[event.resource, event.day] = apply_usage(rows.get((event.resource, event.day)), event)
    found = usage_as_of(map(usage_change, events), at)
    assert {(row.resource, row.day): row for row in found} == rows
    assert [row.day for row in found] == sorted((row.day for row in found), reverse=True)


@given(st.lists(st.integers(0, 100), max_size=6), st.integers(-1, 7))
def test_limits_at_a_time_are_those_set_by_then(limits: list[int], milliseconds: int) -> None:
    ledger = Ledger()
    events = [ledger.stamp(QuotaLimitChanged(resource="images", limit=n), "ann", "ann") for n in limits]
    at = Ledger().stamp(QuotaLimitChanged(), "ann", "ann").envelope.occurred_at + timedelta(milliseconds=milliseconds)
    row = None
    for event in events:
        if event.envelope.occurred_at <= at:
            row = apply_limit(row, event)
    assert limits_as_of([limit_change(event) for event in events], at) == ([] if row is None else [row])
