"""Holding a task: none of its stages goes to a device until it is released. What runs goes on, deadlines go on."""

from __future__ import annotations

from schemas.decisions import Outcome
from schemas.envelope import LedgerRecord
from schemas.requests import OPERATORS, HoldRequested, ReleaseRequested, Request
from schemas.tasks import TaskHeld, TaskReleased
from streams.domain import ending
from streams.domain.drafts import about_task, decided
from streams.domain.limits import not_found
from streams.domain.state import ShardState


def decide_hold(state: ShardState, request: HoldRequested | ReleaseRequested) -> list[LedgerRecord]:
    """Hold or release a task for its owner or an operator. Idempotent: where nothing changes, the answer is its status.

    A request that the log repeats after its opposite changes nothing either.
    """
    task = state.tasks.get(request.request.task_id)
    if not _may(request):
        return [decided(request, Outcome.REJECTED, problem=not_found("task"))]
    if task is None or task.account_id != request.envelope.account_id:
        return ending.without_task(state, request)
    answer = decided(request, Outcome.ACCEPTED, task_status=task.status)
    hold = isinstance(request, HoldRequested)
    info = request.request
    if task.ending is not None or task.held == hold or info.request_id in task.edits:
        return [answer]
    event = TaskHeld if hold else TaskReleased
    return [about_task(event, task, asked_by=info.asked_by, request_id=info.request_id), answer]


def _may(request: Request) -> bool:
    """`envelope.account_id` is the task's owner; somebody else needs the role."""
    return not request.request.asked_by or request.request.asked_as in OPERATORS
