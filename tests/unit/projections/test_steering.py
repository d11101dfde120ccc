"""Held, retried and reused tasks as rows."""

from __future__ import annotations

import msgspec
import pytest

from projections.folds.task_events import task_event_row
from projections.folds.task_rows import TaskRow
from projections.folds.tasks import apply_task
from schemas.common import Artifact, Ending, TaskKind
from schemas.errors import ContractError
from schemas.tasks import (
    PassedOver,
    StageDispatched,
    StageStarted,
    TaskCancelled,
    TaskCancelling,
    TaskCompleted,
    TaskEvent,
    TaskHeld,
    TaskQueued,
    TaskReleased,
)
from tests.unit.projections.ledger import Ledger, plan


def _fold(*events: TaskEvent) -> TaskRow:
    ledger, row = Ledger(), None
    for event in events:
        row = apply_task(row, ledger.task(event))
    assert row is not None
    return row


QUEUED = TaskQueued(task_id="t", kind=TaskKind.IMAGE, stages=[plan("shot-1", deliver=True)])
ON_DEVICE = StageDispatched(task_id="t", stage_id="shot-1", attempt=1, device_id="cpu-0", epoch=1)
STARTED = StageStarted(task_id="t", stage_id="shot-1", attempt=1, device_id="cpu-0", epoch=1)


def test_a_held_task_keeps_status_and_state() -> None:
    held = _fold(QUEUED, TaskHeld(task_id="t"))
    assert (held.held, held.status, held.state) == (True, "queued", "queued")
    running = _fold(QUEUED, ON_DEVICE, STARTED, TaskHeld(task_id="t"))
    assert (running.held, running.status) == (True, "processing")
    assert not _fold(QUEUED, TaskHeld(task_id="t"), TaskReleased(task_id="t")).held


def test_a_task_that_is_stopped_or_has_ended_is_not_held() -> None:
    stopping = TaskCancelling(task_id="t", ending=Ending.CANCELLED)
    assert not _fold(QUEUED, TaskHeld(task_id="t"), stopping).held
    assert not _fold(QUEUED, TaskHeld(task_id="t"), stopping, TaskCancelled(task_id="t")).held
    assert not _fold(QUEUED, ON_DEVICE, STARTED, TaskHeld(task_id="t"), TaskCompleted(task_id="t")).held


def test_nothing_is_held_after_its_end() -> None:
    with pytest.raises(ContractError):
        _fold(QUEUED, TaskCompleted(task_id="t"), TaskHeld(task_id="t"))


def test_a_reused_result_is_there_at_once() -> None:
    output = Artifact(role="main", key="results/first.png")
    row = _fold(
        TaskQueued(task_id="t", kind=TaskKind.IMAGE, reuse_hash="h"),
        TaskCompleted(task_id="t", outputs=[output], cached=True, cached_from="first"),
    )
    assert (row.status, row.progress, row.cached, row.cached_from) == ("completed", 100, True, "first")
    assert (row.outputs, row.stages) == ([output], [])


def test_a_retry_names_the_task_it_repeats() -> None:
    assert _fold(TaskQueued(task_id="t", retry_of="old")).retry_of == "old"


def test_the_history_names_no_other_task_and_no_hash() -> None:
    passed = PassedOver(task_id="other", stage_id="shot-1")
    for event in (StageDispatched(task_id="t", stage_id="s", passed=passed), TaskQueued(task_id="t", reuse_hash="h")):
        row = task_event_row(Ledger().task(event))
        assert not {"passed", "reuse_hash"} & set(msgspec.json.decode(row.detail))
    held = msgspec.json.decode(task_event_row(Ledger().task(TaskHeld(task_id="t", asked_by="ops"))).detail)
    assert held["asked_by"] == "ops"
