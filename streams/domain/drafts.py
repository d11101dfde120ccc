"""Events as the decider makes them: complete but for the ledger's marks (ids, sequence, time, stamp)."""

from __future__ import annotations

from typing import Any, TypeVar

from schemas.common import Ending, Problem
from schemas.decisions import Outcome, RequestDecided
from schemas.envelope import Envelope, LedgerRecord
from schemas.requests import Request
from schemas.tasks import TaskEvent
from streams.domain.state import TaskState

E = TypeVar("E", bound=LedgerRecord)
T = TypeVar("T", bound=TaskEvent)


def draft(event: type[E], account_id: str, aggregate_id: str, correlation_id: str, **fields: Any) -> E:
    """An event about `aggregate_id`, started by the request `correlation_id`."""
    envelope = Envelope(aggregate_id=aggregate_id, account_id=account_id, correlation_id=correlation_id)
    return event(envelope=envelope, **fields)


def about_task(event: type[T], task: TaskState, **fields: Any) -> T:
    """A task event about an open task."""
    return draft(event, task.account_id, task.task_id, task.request_id, task_id=task.task_id, **fields)


def decided(request: Request, outcome: Outcome, **fields: Any) -> RequestDecided:
    """The answer to a request."""
    info = request.request
    return draft(
        RequestDecided,
        request.envelope.account_id,
        info.request_id,
        info.request_id,
        request_id=info.request_id,
        outcome=outcome,
        **({"task_id": info.task_id} | fields),
    )


def problem_for(ending: Ending, task: TaskState) -> Problem:
    """Why a task ends that way, when nothing more precise was recorded."""
    if task.problem is not None:
        return task.problem
    return Problem(type="TaskFailed", code=f"task_{ending}", detail=f"the task ended as {ending}")
