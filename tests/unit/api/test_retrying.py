"""A task that is asked for again over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from api.planning.call import seed_for
from schemas.common import Problem, TaskKind
from schemas.ids import new_id
from schemas.requests import (
    AudioRequested,
    CharacterSubmitted,
    ImageRequested,
    StoryboardRequested,
    VideoRequested,
    WorkRequest,
)
from schemas.tasks import AnyTaskEvent, TaskCancelled, TaskExpired, TaskFailed, TaskQueued, TaskRejected
from tests.unit.api.helpers import ME, OTHER, PROMPT, finished_task, opened, png, ready_character, sealed, spec_of
from tests.unit.api.support import Edge, stamped

KINDS: dict[type[WorkRequest], TaskKind] = {
    ImageRequested: TaskKind.IMAGE,
    VideoRequested: TaskKind.VIDEO,
    AudioRequested: TaskKind.AUDIO,
    StoryboardRequested: TaskKind.STORYBOARD,
    CharacterSubmitted: TaskKind.CHARACTER,
}
BODIES: list[tuple[str, dict[str, Any]]] = [
    ("images/generate", PROMPT | {"count": 2, "project": "p"}),
    ("images/generate", PROMPT | {"seed": 5}),
    ("videos/generate", {"scenes": [{"prompt": "a", "duration": 1, "narration": "b"}]}),
    ("videos/generate", {"script": "Rain. It falls.", "target_duration": 5}),
    ("audio/generate", {"text": "hello", "language": "en"}),
    ("audio/generate", {"mood": "calm", "duration": 3}),
    ("scripts/storyboard", {"script": "Rain. It falls."}),
]


def ended(edge: Edge, request: WorkRequest, end: type[AnyTaskEvent] = TaskFailed) -> str:
    """The request's task as the log has it once it ended."""
    task_id = request.request.task_id
    entity = str(getattr(request, "character_id", ""))
    queued = TaskQueued(task_id=task_id, kind=KINDS[type(request)], entity_id=entity, sealed=request.sealed)
    edge.model.apply(stamped(queued, request.envelope.account_id, 1, 1))
    edge.model.apply(stamped(end(task_id=task_id), request.envelope.account_id, 2, 2))
    return task_id


def specs(edge: Edge, request: Any) -> list[Any]:
    stages = request.plan.stages if getattr(request, "plan", None) else getattr(request, "stages", [])
    return [spec_of(edge, stage) for stage in stages or [request.script]]


@pytest.mark.parametrize(("path", "body"), BODIES, ids=lambda value: str(value)[:40])
def test_the_same_work_is_asked_for_under_a_new_id(edge: Edge, path: str, body: dict[str, Any]) -> None:
    with edge.client(ME) as client:
        client.post(f"/api/v1/{path}", json=body)
        first = edge.gateway.requests.pop()
        task_id = ended(edge, first)  # type: ignore[arg-type]
        answer = client.post(f"/api/v1/tasks/{task_id}/retry")
    (again,) = edge.gateway.requests
    assert (answer.status_code, answer.json()["task_id"]) == (202, again.request.task_id)
    assert type(again) is type(first)
    assert again.request.retry_of == task_id != again.request.task_id
    assert specs(edge, again) == specs(edge, first), "seeds included"
    assert getattr(again, "project", "") == getattr(first, "project", "")
    if isinstance(again, StoryboardRequested):
        assert answer.json()["storyboard_id"] == again.storyboard_id


def test_a_character_is_tried_again_from_its_stored_photos_under_its_id(edge: Edge) -> None:
    with edge.client(ME) as client:
        files = {"photos": ("a.png", png(), "image/png")}
        client.post("/api/v1/characters", data={"name": "Mara", "metadata": '{"a": null}'}, files=files)
        first = edge.gateway.requests.pop()
        assert isinstance(first, CharacterSubmitted)
        answer = client.post(f"/api/v1/tasks/{ended(edge, first)}/retry")
    (again,) = edge.gateway.requests
    assert isinstance(again, CharacterSubmitted)
    assert answer.json()["character_id"] == again.character_id == first.character_id
    assert again.photo_count == 1
    assert opened(edge, again.sealed, "profile") == opened(edge, first.sealed, "profile")


@pytest.mark.parametrize("end", [TaskFailed, TaskExpired, TaskCancelled])
def test_every_bad_end_can_be_tried_again(edge: Edge, end: type[AnyTaskEvent]) -> None:
    with edge.client(ME) as client:
        client.post("/api/v1/images/generate", json=PROMPT)
        task_id = ended(edge, edge.gateway.requests[0], end)  # type: ignore[arg-type]
        assert client.post(f"/api/v1/tasks/{task_id}/retry").status_code == 202


def test_a_retry_of_a_retry_keeps_the_first_seed(edge: Edge) -> None:
    with edge.client(ME) as client:
        client.post("/api/v1/images/generate", json=PROMPT)
        first = task_id = ended(edge, edge.gateway.requests.pop())  # type: ignore[arg-type]
        for _ in range(2):
            client.post(f"/api/v1/tasks/{task_id}/retry")
            request = edge.gateway.requests.pop()
            task_id = ended(edge, request)  # type: ignore[arg-type]
    (spec,) = specs(edge, request)
    assert spec.seed == seed_for(first)


def test_a_deadline_that_has_passed_is_left_out(edge: Edge) -> None:
    with edge.client(ME) as client:
        for deadline, kept in (("2026-11-24T09:00:05Z", True), ("2026-11-24T08:00:00Z", False)):
            asked = {"prompt": "a", "deadline": deadline}
            client.post("/api/v1/images/generate", json=PROMPT)
            first = edge.gateway.requests.pop()
            assert isinstance(first, ImageRequested)
            first = replace(first, sealed=sealed(edge, asked, "request"))
            client.post(f"/api/v1/tasks/{ended(edge, first)}/retry")
            again = edge.gateway.requests.pop()
            assert isinstance(again, ImageRequested)
            assert (again.deadline is not None) == kept


def test_one_key_is_one_retry_and_no_key_is_a_new_one_each_time(edge: Edge) -> None:
    with edge.client(ME) as client:
        client.post("/api/v1/images/generate", json=PROMPT)
        task_id = ended(edge, edge.gateway.requests.pop())  # type: ignore[arg-type]
        for key in ("k", "k", None, None):
            client.post(f"/api/v1/tasks/{task_id}/retry", headers={"Idempotency-Key": key} if key else {})
    ids = [request.request.task_id for request in edge.gateway.requests]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert len({request.request.body_hash for request in edge.gateway.requests}) == 1


def test_what_goes_on_is_done_or_was_refused_is_not_tried_again(edge: Edge) -> None:
    waiting, refused = new_id(), new_id()
    done = finished_task(edge)
    edge.model.apply(stamped(TaskQueued(task_id=waiting, kind=TaskKind.IMAGE), ME, 1, 8))
    edge.model.apply(stamped(TaskRejected(task_id=refused, problem=Problem(type="QuotaExceeded")), ME, 1, 9))
    with edge.client(ME) as client:
        for task_id in (waiting, refused, done):
            answer = client.post(f"/api/v1/tasks/{task_id}/retry", headers={"Accept-Language": "zh"})
            assert (answer.status_code, answer.json()["type"]) == (409, "NotRetryable")
            assert "重试" in answer.json()["error"]
    assert edge.gateway.requests == []


def test_somebody_elses_task_is_not_found(edge: Edge) -> None:
    with edge.client(OTHER) as client:
        client.post("/api/v1/images/generate", json=PROMPT)
    task_id = ended(edge, edge.gateway.requests.pop())  # type: ignore[arg-type]
    with edge.client(ME, "operator") as client:
        assert client.post(f"/api/v1/tasks/{task_id}/retry").status_code == 404


def test_a_character_that_is_gone_is_named(edge: Edge) -> None:
    character_id = ready_character(edge)
    with edge.client(ME) as client:
        client.post("/api/v1/images/generate", json=PROMPT | {"character_id": character_id})
        task_id = ended(edge, edge.gateway.requests.pop())  # type: ignore[arg-type]
        del edge.model.character_rows[character_id]
        answer = client.post(f"/api/v1/tasks/{task_id}/retry")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["character_id"]


def test_the_new_task_names_the_old_one(edge: Edge) -> None:
    old, new = new_id(), new_id()
    edge.model.apply(stamped(TaskQueued(task_id=new, kind=TaskKind.IMAGE, retry_of=old), ME, 1, 1))
    with edge.client(ME) as client:
        assert client.get(f"/api/v1/tasks/{new}").json()["retry_of"] == old
        assert client.get(f"/api/v1/tasks/{finished_task(edge)}").json()["retry_of"] is None
