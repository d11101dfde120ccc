"""Tasks as they are shown, listed, followed and cancelled."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from projections.folds.task_rows import TaskRow
from schemas.common import StagePlan, TaskKind
from schemas.ids import new_id
from schemas.requests import CancellationRequested
from schemas.tasks import StageStarted, TaskQueued
from tests.unit.api.helpers import ME, OTHER, finished_task
from tests.unit.api.support import NOW, Edge, stamped


def test_a_finished_task_shows_result_stages_and_use(edge: Edge) -> None:
    task_id = finished_task(edge)
    with edge.client(ME) as client:
        task = client.get(f"/api/v1/tasks/{task_id}").json()
    assert (task["status"], task["progress"], task["usage"]) == ("completed", 100, {"device_seconds": 2.5})
    assert task["result"]["output_path"] == "results/a.png"
    assert "/objects/results/t.jpg?" in task["result"]["thumbnail"]
    assert (task["result"]["width"], task["result"]["height"]) == (64, 48)
    (stage,) = task["stages"]
    assert (stage["summary"], stage["recipe"], stage["device"]) == ({"voice": "plain"}, {"seed": 5}, "cpu-0")
    assert stage["status"] == "completed"


def test_a_task_that_the_read_model_does_not_have_yet_is_waited_for(edge: Edge) -> None:
    task_id = new_id()
    event = stamped(TaskQueued(task_id=task_id, kind=TaskKind.IMAGE), ME, 1, 1)
    edge.log.on_end = partial(edge.feed.on_record, event)
    with edge.client(ME) as client:
        answer = client.get(f"/api/v1/tasks/{task_id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "queued")


def test_a_decided_task_is_never_shown_older_than_its_decision(edge: Edge) -> None:
    queued = TaskQueued(task_id=new_id(), kind=TaskKind.IMAGE, stages=[StagePlan(stage_id="shot-01")])
    started = StageStarted(task_id=queued.task_id, stage_id="shot-01", attempt=1)
    edge.overlay.apply(stamped(queued, ME, 1, 1))
    edge.log.on_end = partial(edge.feed.on_record, stamped(started, ME, 2, 2))
    with edge.client(ME) as client:
        assert client.get(f"/api/v1/tasks/{queued.task_id}").json()["status"] == "queued"
        edge.deps.reads.touch(queued.task_id)
        assert client.get(f"/api/v1/tasks/{queued.task_id}").json()["status"] == "processing"


def test_cancelling_asks_once_and_a_finished_task_is_answered_as_it_is(edge: Edge) -> None:
    running = new_id()
    edge.model.apply(stamped(TaskQueued(task_id=running, kind=TaskKind.IMAGE), ME, 1, 1))
    done = finished_task(edge)
    with edge.client(ME) as client:
        assert client.post(f"/api/v1/tasks/{running}/cancel").status_code == 202
        answer = client.post(f"/api/v1/tasks/{done}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    (request,) = edge.gateway.requests
    assert isinstance(request, CancellationRequested)
    assert request.request.task_id == running


def test_an_old_task_is_cancelled_under_a_key_too(edge: Edge) -> None:
    task_id = new_id()
    edge.model.rows[task_id] = TaskRow(
        task_id=task_id, account_id=ME, body_hash="x", state="processing", created_at=NOW.replace(month=1)
    )
    with edge.client(ME) as client:
        answer = client.post(f"/api/v1/tasks/{task_id}/cancel", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 202
    assert [request.request.task_id for request in edge.gateway.requests] == [task_id]


def test_history_and_stream_tell_the_same(edge: Edge) -> None:
    task_id = finished_task(edge)
    with edge.client(ME) as client:
        items = client.get(f"/api/v1/tasks/{task_id}/events").json()["items"]
        stream = client.get(f"/api/v1/tasks/{task_id}/stream", headers={"Last-Event-ID": "2"})
        bad = [client.get(f"/api/v1/tasks/{task_id}/stream", headers={"Last-Event-ID": text}) for text in ("x", "6")]
    assert [item["event"] for item in items][::4] == ["task.queued", "task.completed"]
    assert stream.headers["content-type"].startswith("text/event-stream")
    data = [msgspec.json.decode(line[6:]) for line in stream.text.split("\n") if line.startswith("data: ")]
    assert data == items[2:]
    assert "sealed" not in stream.text
    assert [answer.status_code for answer in bad] == [400, 400]
    assert [answer.json()["errors"][0]["field"] for answer in bad] == ["Last-Event-ID"] * 2


def test_lists_page_through_everything_once(edge: Edge) -> None:
    made = {finished_task(edge) for _ in range(5)}
    finished_task(edge, OTHER)
    seen: list[str] = []
    params: dict[str, Any] = {"limit": "2", "status": "completed", "kind": "image"}
    with edge.client(ME) as client:
        while True:
            page = client.get("/api/v1/tasks", params=params).json()
            seen += [item["task_id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]
        bad = client.get("/api/v1/tasks", params={"status": "odd"})
    assert sorted(seen) == sorted(made)
    assert bad.status_code == 400
