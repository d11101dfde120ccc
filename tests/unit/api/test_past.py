"""What was true at an earlier time, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from projections.folds.quotas import LimitChangeRow, UsageChangeRow
from schemas.common import Limits, StageKind, StagePlan, TaskKind
from schemas.ids import new_id
from schemas.tasks import StageCompleted, StageStarted, TaskCompleted, TaskQueued
from tests.unit.api.helpers import ME, OTHER, sealed
from tests.unit.api.support import NOW, Edge, stamped


def minutes_ago(minutes: int) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def task_over_minutes(edge: Edge) -> str:
    """Queued four minutes ago, started three, its stage done two and itself done one minute ago."""
    task_id = new_id()
    stage: dict[str, Any] = {"task_id": task_id, "stage_id": "shot-01", "attempt": 1}
    plan = StagePlan(stage_id="shot-01", kind=StageKind.SHOT, engine="sketch", deliver=True)
    result = sealed(edge, {"recipe": {"seed": 5}}, "result")
    events: list[Any] = [
        TaskQueued(task_id=task_id, kind=TaskKind.IMAGE, stages=[plan]),
        StageStarted(**stage),
        StageCompleted(**stage, sealed=result),
        TaskCompleted(task_id=task_id),
    ]
    for number, event in enumerate(events, 1):
        record = stamped(event, ME, number, number)
        at = NOW - timedelta(minutes=5 - number)
        edge.model.apply(replace(record, envelope=replace(record.envelope, occurred_at=at)))
    return task_id


def test_a_task_is_shown_as_it_was(edge: Edge) -> None:
    path = f"/api/v1/tasks/{task_over_minutes(edge)}"
    with edge.client(ME) as client:
        now = client.get(path).json()
        seen = [client.get(path, params={"as_of": minutes_ago(n)}).json() for n in (4, 3, 2, 1)]
        assert client.get(path, params={"as_of": minutes_ago(5)}).status_code == 404
    assert [task["status"] for task in seen] == ["queued", "processing", "processing", "completed"]
    assert [task["stages"][0]["status"] for task in seen] == ["queued", "processing", "completed", "completed"]
    assert [task["stages"][0]["recipe"] for task in seen] == [None, None, {"seed": 5}, {"seed": 5}]
    assert seen[-1] == now
    assert seen[0]["queue_position"] is None
    with edge.client(OTHER) as client:
        assert client.get(path, params={"as_of": minutes_ago(1)}).status_code == 404


def test_use_is_shown_as_it_was(edge: Edge) -> None:
    booking: dict[str, Any] = {"account_id": ME, "resource": "images", "day": NOW.date().isoformat()}
    edge.model.usage_changes = [
        UsageChangeRow(**booking, shard_seq=n, occurred_at=NOW - timedelta(minutes=4 - n), used=n, reserved=0)
        for n in (1, 2, 3)
    ]
    with edge.client(ME) as client:
        answers = [client.get("/api/v1/usage", params={"as_of": minutes_ago(n)}).json() for n in (9, 3, 2, 1)]
    assert [sum(row["used"] for row in found["today"]) for found in answers] == [0, 1, 2, 3]


def test_quotas_are_shown_as_they_were(edge: Edge) -> None:
    """Nothing was allowed before the account was there; then what it was registered with, then what an operator set."""
    mine: dict[str, Any] = {"account_id": ME, "resource": "images"}
    edge.model.registered_at = NOW - timedelta(minutes=4)
    edge.model.limit_changes = [
        LimitChangeRow(**mine, shard_seq=n, occurred_at=NOW - timedelta(minutes=4 - n), limit=limit)
        for n, limit in ((1, 3), (2, 7))
    ]
    edge.model.usage_changes = [
        UsageChangeRow(
            **mine, day=NOW.date().isoformat(), shard_seq=3, occurred_at=NOW - timedelta(minutes=3), used=2, reserved=1
        )
    ]
    with edge.client(ME) as client:
        answers = [client.get("/api/v1/usage", params={"as_of": minutes_ago(n)}).json() for n in (5, 4, 3, 2)]
    images = [next(row for row in found["today"] if row["resource"] == "images") for found in answers]
    default = Limits().images_per_day
    assert [row["limit"] for row in images] == [0, default, 3, 7]
    assert [row["remaining"] for row in images] == [0, default, 0, 4]
    assert [found["limits"]["images_per_day"] for found in answers] == [0, default, 3, 7]


def test_a_time_that_is_none_or_to_come_is_refused_by_name(edge: Edge) -> None:
    task_id = task_over_minutes(edge)
    with edge.client(ME) as client:
        for path in (f"/api/v1/tasks/{task_id}", "/api/v1/usage"):
            for text, rule in (
                ("yesterday", "date_time"),
                ("2026-01-01T00:00:00", "date_time"),
                (minutes_ago(-1), "maximum"),
            ):
                answer = client.get(path, params={"as_of": text})
                assert answer.status_code == 400
                assert [(e["field"], e["rule"]) for e in answer.json()["errors"]] == [("as_of", rule)]
