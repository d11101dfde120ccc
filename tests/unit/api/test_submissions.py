"""What a body for pictures, sound or a storyboard becomes on the log."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.requests import AudioRequested, ImageRequested, StoryboardRequested
from schemas.specs import ShotSpec
from tests.unit.api.helpers import ME, PROMPT, opened, ready_character, spec_of
from tests.unit.api.support import Edge


def test_pictures_are_asked_for_with_seeds_that_follow_one_another(edge: Edge) -> None:
    character = ready_character(edge)
    body = {**PROMPT, "count": 3, "seed": 2**32 - 2, "character_id": character, "scene_config": {"camera": "aerial"}}
    with edge.client(ME) as client:
        answer = client.post("/api/v1/images/generate", json=body)
    assert answer.status_code == 202
    (request,) = edge.gateway.requests
    assert isinstance(request, ImageRequested)
    assert answer.json()["task_id"] == request.request.task_id
    assert answer.json()["estimated_time"] == 1.5
    assert answer.headers["location"] == answer.json()["links"]["self"]
    assert [stage.stage_id for stage in request.stages] == ["shot-01", "shot-02", "shot-03"]
    assert [stage.seed for stage in request.stages] == [2**32 - 2, 2**32 - 1, 0]
    assert all(stage.deliver for stage in request.stages)
    spec = spec_of(edge, request.stages[1])
    assert isinstance(spec, ShotSpec)
    assert (spec.prompt, spec.camera, spec.seed) == (PROMPT["prompt"], "aerial", 2**32 - 1)
    assert (spec.characters[0].name, spec.characters[0].portrait_key) == ("Han Li", "results/portrait.png")
    assert request.character_ids == [character]


def test_nothing_private_is_in_clear_in_a_request(edge: Edge) -> None:
    with edge.client(ME) as client:
        client.post("/api/v1/images/generate", json=PROMPT)
        client.post("/api/v1/videos/generate", json={"scenes": [{**PROMPT, "narration": "Wake up, lantern"}]})
        client.post("/api/v1/scripts/storyboard", json={"script": "a lantern on a hill"})
    assert len(edge.gateway.requests) == 3
    for request in edge.gateway.requests:
        raw = msgspec.msgpack.encode(request)
        assert b"lantern" not in raw


def test_what_was_asked_can_be_shown_again(edge: Edge) -> None:
    with edge.client(ME) as client:
        client.post("/api/v1/images/generate", json=PROMPT)
    (request,) = edge.gateway.requests
    assert isinstance(request, ImageRequested)
    assert opened(edge, request.sealed, "request")["prompt"] == PROMPT["prompt"]


def test_a_storyboard_is_asked_for_with_an_id_of_its_own(edge: Edge) -> None:
    with edge.client(ME) as client:
        answer = client.post("/api/v1/scripts/storyboard", json={"script": "INT. ROOM"}).json()
    (request,) = edge.gateway.requests
    assert isinstance(request, StoryboardRequested)
    assert answer["storyboard_id"] == request.storyboard_id != request.request.task_id
    assert [(s.stage_id, s.engine, s.deliver) for s in request.stages] == [("script", "rules", True)]


@pytest.mark.parametrize(
    ("body", "stage", "engine"),
    [({"text": "hello", "speed": 1.5}, "speech", "speech"), ({"mood": "epic", "duration": 4}, "music", "tone")],
)
def test_a_sound_is_one_stage(edge: Edge, body: dict[str, Any], stage: str, engine: str) -> None:
    with edge.client(ME) as client:
        assert client.post("/api/v1/audio/generate", json=body).status_code == 202
    (request,) = edge.gateway.requests
    assert isinstance(request, AudioRequested)
    assert [(s.stage_id, s.engine, s.deliver) for s in request.stages] == [(stage, engine, True)]
