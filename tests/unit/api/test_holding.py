"""Tasks that are held and released over HTTP."""

from __future__ import annotations

import pytest

from infra.keystore import Role
from schemas.common import TaskKind
from schemas.ids import new_id
from schemas.requests import HoldRequested, ReleaseRequested
from schemas.tasks import TaskHeld, TaskQueued, TaskReleased
from tests.unit.api.helpers import ME, OTHER, finished_task
from tests.unit.api.support import Edge, stamped


def _queued(edge: Edge, account_id: str = ME) -> str:
    task_id = new_id()
    edge.model.apply(stamped(TaskQueued(task_id=task_id, kind=TaskKind.IMAGE), account_id, 1, 1))
    return task_id


def test_a_held_task_keeps_its_word_and_says_that_it_is_held(edge: Edge) -> None:
    task_id = _queued(edge)
    with edge.client(ME) as client:
        before = client.get(f"/api/v1/tasks/{task_id}").json()
        edge.model.apply(stamped(TaskHeld(task_id=task_id), ME, 2, 2))
        held = client.get(f"/api/v1/tasks/{task_id}").json()
        (listed,) = client.get("/api/v1/tasks").json()["items"]
        edge.model.apply(stamped(TaskReleased(task_id=task_id), ME, 3, 3))
        after = client.get(f"/api/v1/tasks/{task_id}").json()
    assert [(t["status"], t["held"]) for t in (before, held, after)] == [
        ("queued", False),
        ("queued", True),
        ("queued", False),
    ]
    assert (before["queue_position"], held["queue_position"]) == (1, None)
    assert listed["held"] is True


def test_the_owner_holds_and_releases(edge: Edge) -> None:
    task_id = _queued(edge)
    with edge.client(ME) as client:
        for name, kind in (("hold", HoldRequested), ("release", ReleaseRequested)):
            answer = client.post(f"/api/v1/tasks/{task_id}/{name}")
            assert (answer.status_code, answer.json()["task_id"]) == (202, task_id)
            request = edge.gateway.requests.pop()
            assert isinstance(request, kind)
            assert (request.request.task_id, request.request.asked_by, request.envelope.account_id) == (task_id, "", ME)


def test_a_task_that_has_ended_is_answered_as_it_is(edge: Edge) -> None:
    task_id = finished_task(edge)
    with edge.client(ME) as client:
        answer = client.post(f"/api/v1/tasks/{task_id}/hold")
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert edge.gateway.requests == []


@pytest.mark.parametrize(("role", "status"), [("member", 404), ("operator", 202), ("admin", 202)])
def test_operators_hold_anybodys_task(edge: Edge, role: Role, status: int) -> None:
    task_id = _queued(edge, OTHER)
    with edge.client(ME, role) as client:
        assert client.post(f"/api/v1/tasks/{task_id}/hold").status_code == status
        assert client.post(f"/api/v1/tasks/{new_id()}/hold").status_code == 404
    if status == 202:
        (request,) = edge.gateway.requests
        assert request.envelope.account_id == OTHER
        assert (request.request.asked_by, request.request.asked_as) == (ME, role)


def test_operators_never_see_what_somebody_elses_task_made(edge: Edge) -> None:
    task_id = finished_task(edge, OTHER)
    with edge.client(ME, "operator") as client:
        answer = client.post(f"/api/v1/tasks/{task_id}/hold")
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert answer.json()["result"]["outputs"] == []
    assert [stage["recipe"] for stage in answer.json()["stages"]] == [None]
