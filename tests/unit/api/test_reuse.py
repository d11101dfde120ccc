"""What the API says about work whose result is the same."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.common import Artifact, TaskKind
from schemas.ids import new_id
from schemas.tasks import TaskCompleted, TaskQueued
from tests.unit.api.helpers import ME, OTHER, PROMPT, ready_character
from tests.unit.api.support import Edge, stamped

SEEDED = PROMPT | {"seed": 7}
FILM = {"scenes": [{"prompt": "a", "duration": 1, "narration": "b"}], "seed": 7}


def _hash(edge: Edge, path: str, body: dict[str, Any], account: str = ME) -> str:
    with edge.client(account) as client:
        assert client.post(f"/api/v1/{path}", json=body).status_code == 202
    return edge.gateway.requests.pop().request.reuse_hash


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("images/generate", SEEDED),
        ("audio/generate", {"mood": "calm", "seed": 7}),
        ("videos/generate", FILM),
        ("videos/generate", {"script": "Rain. It falls.", "seed": 7}),
    ],
)
def test_work_with_a_seed_has_a_hash_of_its_own(edge: Edge, path: str, body: dict[str, Any]) -> None:
    first = _hash(edge, path, body)
    assert len(first) == 64
    assert _hash(edge, path, body) == first
    assert _hash(edge, path, body | {"project": "p", "deadline": "2027-01-01T00:00:00Z"}) == first
    assert _hash(edge, path, body | {"seed": 8}) != first
    assert _hash(edge, path, body, OTHER) != first, "the log tells nothing about equal work of two accounts"
    assert _hash(edge, path, {name: value for name, value in body.items() if name != "seed"}) == ""


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "b"},
        {"negative_prompt": "fog"},
        {"width": 512},
        {"count": 2},
        {"guidance_scale": 5},
        {"num_inference_steps": 20},
        {"scene_config": {"mood": "calm"}},
        {"style": "ink"},
        {"output_format": "webp"},
        {"engine": "null"},
    ],
    ids=str,
)
def test_everything_that_changes_the_picture_changes_the_hash(edge: Edge, other: dict[str, Any]) -> None:
    assert _hash(edge, "images/generate", SEEDED | other) != _hash(edge, "images/generate", SEEDED)


def test_speech_has_no_seed_and_is_never_reused(edge: Edge) -> None:
    assert _hash(edge, "audio/generate", {"text": "hello", "language": "en"}) == ""


@pytest.mark.parametrize("other", [{"video_config": {"fps": 12}}, {"title": "x"}, {"image_engine": "null"}], ids=str)
def test_everything_that_changes_the_film_changes_the_hash(edge: Edge, other: dict[str, Any]) -> None:
    assert _hash(edge, "videos/generate", FILM | other) != _hash(edge, "videos/generate", FILM)


def test_a_new_revision_of_the_character_changes_the_hash(edge: Edge) -> None:
    character_id = ready_character(edge)
    body = SEEDED | {"character_id": character_id}
    first = _hash(edge, "images/generate", body)
    row = edge.model.character_rows[character_id]
    edge.model.character_rows[character_id] = replace(row, revision=row.revision + 1)
    assert _hash(edge, "images/generate", body) != first


def test_a_reused_result_is_answered_and_shown_at_once(edge: Edge) -> None:
    first, task_id = new_id(), new_id()
    output = Artifact(stage_id="shot-01", role="main", key="results/a.png")
    done = TaskCompleted(task_id=task_id, outputs=[output], cached=True, cached_from=first)
    edge.model.apply(stamped(TaskQueued(task_id=task_id, kind=TaskKind.IMAGE), ME, 1, 1))
    edge.model.apply(stamped(done, ME, 2, 2))
    edge.gateway.answer = lambda decision: replace(decision, task_status="completed", estimated_ms=0)
    with edge.client(ME) as client:
        answer = client.post("/api/v1/images/generate", json=SEEDED)
        task = client.get(f"/api/v1/tasks/{task_id}").json()
    assert (answer.status_code, answer.json()["status"], answer.json()["estimated_time"]) == (202, "completed", 0)
    assert (task["status"], task["cached"], task["cached_from"], task["progress"]) == ("completed", True, first, 100)
    assert task["result"]["output_path"] == "results/a.png"
