"""Characters over HTTP beyond their making: revisions, verification, likeness, pictures with their scores."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from msgspec.structs import replace

from projections.folds.characters import Embedding, Revision
from schemas.common import Artifact, StageKind, StagePlan, TaskKind
from schemas.ids import new_id
from schemas.requests import CharacterSubmitted, ImageRequested, VerificationRequested
from schemas.specs import EmbeddingSpec, ShotSpec, VerifySpec
from schemas.tasks import StageCompleted, StageDispatched, StageStarted, TaskFailed, TaskQueued
from tests.unit.api.helpers import ME, OTHER, PROMPT, opened, png, ready_character, sealed, spec_of
from tests.unit.api.support import Edge, stamped

PHOTOS = [("photos", ("a.png", png(), "image/png")), ("photos", ("b.png", png("blue"), "image/png"))]
QUALITY = {"sharpness": 0.5, "exposure": 0.5, "size": 1.0, "pose": 1.0, "overall": 0.6}


def face(number: int, **changes: Any) -> dict[str, Any]:
    known = {"photo": number, "photo_key": f"accounts/x/photo-{number}.png", "quality": QUALITY, "similarity": 0.9}
    return known | {"outlier": False} | changes


def known_face(edge: Edge, vector: list[float], encoder: str = "insightface-p-1", account: str = ME) -> str:
    """A ready character with a vector, found by search as the read model would find it."""
    character = ready_character(edge, account)
    better = face(2, quality=QUALITY | {"overall": 0.9})
    data = {"embedding": vector, "encoder": encoder, "engine": encoder.partition("-p-")[0]}
    faces = [face(1), better, face(3, outlier=True)]
    result = {"data": data | {"faces": faces}, "summary": {"encoder": encoder, "consistency": 0.9}}
    row = edge.model.character_rows[character]
    edge.model.character_rows[character] = replace(row, sealed_result=sealed(edge, result, "result"))
    edge.model.embeddings[character] = Embedding(encoder=encoder, vector=[*vector, *[0.0] * (768 - len(vector))])
    return character


def test_a_shot_carries_the_vector_and_the_photos_of_its_character(edge: Edge) -> None:
    character = known_face(edge, [0.6, 0.8])
    with edge.client(ME) as client:
        client.post("/api/v1/images/generate", json={**PROMPT, "character_id": character})
    (request,) = edge.gateway.requests
    assert isinstance(request, ImageRequested)
    assert request.stages[0].character_ids == [character]
    spec = spec_of(edge, request.stages[0])
    assert isinstance(spec, ShotSpec)
    (ref,) = spec.characters
    assert ref.face is not None
    assert (ref.face.encoder, ref.face.space) == ("insightface", "insightface-p-1")
    assert struct.unpack("<2e", ref.face.vector) == pytest.approx((0.6, 0.8), abs=1e-3)
    assert ref.photo_keys == ["accounts/x/photo-2.png", "accounts/x/photo-1.png"]


def test_a_photo_is_compared_by_the_encoder_that_knows_the_character(edge: Edge) -> None:
    character = known_face(edge, [0.6, 0.8])
    with edge.client(ME) as client:
        answer = client.post(f"/api/v1/characters/{character}/verify", files={"photo": ("p.png", png(), "image/png")})
    assert answer.status_code == 202
    assert answer.json()["character_id"] == character
    (request,) = edge.gateway.requests
    assert isinstance(request, VerificationRequested)
    assert request.character_ids == [character]
    assert [stage.engine for stage in request.stages] == ["insightface"]
    spec = spec_of(edge, request.stages[0])
    assert isinstance(spec, VerifySpec)
    assert spec.face.space == "insightface-p-1"
    assert spec.photo_key.startswith(f"accounts/{ME}/characters/{character}/")
    assert opened(edge, request.sealed, "request")["photo_key"] == spec.photo_key


@pytest.mark.parametrize(
    ("files", "field", "rule"),
    [
        ({}, "photo", "required"),
        ([("photo", ("a.png", png(), "image/png")), ("photo", ("b.png", png(), "image/png"))], "photo", "max_items"),
        ({"photo": ("a.png", b"nothing", "image/png")}, "photo", "picture"),
        ({"photo": ("a.png", png(), "image/png"), "name": ("n", b"x", "text/plain")}, "name", "unknown_field"),
    ],
)
def test_a_bad_verification_names_the_part(edge: Edge, files: Any, field: str, rule: str) -> None:
    character = known_face(edge, [1.0])
    with edge.client(ME) as client:
        answer = client.post(f"/api/v1/characters/{character}/verify", files=files or {"x": ("x", b"x", "text/plain")})
    assert answer.status_code == 400
    assert (field, rule) in {(bad["field"], bad["rule"]) for bad in answer.json()["errors"]}
    assert edge.gateway.requests == []


def test_a_character_without_a_vector_is_neither_compared_nor_searched(edge: Edge) -> None:
    character = ready_character(edge)
    with edge.client(ME) as client:
        verified = client.post(f"/api/v1/characters/{character}/verify", files={"photo": ("p.png", png(), "image/png")})
        searched = client.get(f"/api/v1/characters/{character}/similar")
    for answer in (verified, searched):
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["rule"] == "character_face"


def test_only_own_characters_of_the_same_encoder_are_similar(edge: Edge) -> None:
    asked = known_face(edge, [1.0, 0.0])
    near, far = known_face(edge, [0.8, 0.6]), known_face(edge, [0.0, 1.0])
    known_face(edge, [1.0, 0.0], encoder="descriptor-p-768")
    with edge.client(ME) as client:
        answer = client.get(f"/api/v1/characters/{asked}/similar").json()
        first = client.get(f"/api/v1/characters/{asked}/similar?limit=1").json()
        bad = client.get(f"/api/v1/characters/{asked}/similar?limit=0")
    assert [(item["character_id"], item["score"]) for item in answer["items"]] == [(near, 0.8), (far, 0.0)]
    assert answer["encoder"] == "insightface-p-1"
    assert [item["character_id"] for item in first["items"]] == [near]
    assert bad.status_code == 400


@pytest.mark.parametrize(
    ("method", "path"), [("post", "verify"), ("post", "revisions"), ("get", "similar"), ("get", "")]
)
def test_what_is_anothers_is_not_found(edge: Edge, method: str, path: str) -> None:
    character = known_face(edge, [1.0])
    with edge.client(OTHER) as client:
        asked = getattr(client, method)(f"/api/v1/characters/{character}/{path}".rstrip("/"))
    assert asked.status_code == 404


def test_other_photos_make_the_next_revision(edge: Edge) -> None:
    character = known_face(edge, [1.0])
    with edge.client(ME) as client:
        answer = client.post(f"/api/v1/characters/{character}/revisions", files=PHOTOS)
        processing = ready_character(edge, status="processing")
        early = client.post(f"/api/v1/characters/{processing}/revisions", files=PHOTOS)
    assert answer.status_code == 202
    (request,) = edge.gateway.requests
    assert isinstance(request, CharacterSubmitted)
    assert (request.character_id, request.revises, request.photo_count) == (character, True, 2)
    profile = opened(edge, request.sealed, "profile")
    assert profile["name"] == "Han Li"
    spec = spec_of(edge, request.stages[0])
    assert isinstance(spec, EmbeddingSpec)
    assert spec.photo_keys == profile["photo_keys"]
    folder = f"accounts/{ME}/characters/{character}/"
    assert all(key.startswith(folder) and "/" not in key.removeprefix(folder) for key in spec.photo_keys)
    assert not any(key.endswith("/photo-01.png") for key in spec.photo_keys)
    assert early.json()["errors"][0]["rule"] == "character_ready"


def test_the_encoder_is_chosen_and_checked(edge: Edge) -> None:
    with edge.client(ME) as client:
        bad = client.post("/api/v1/characters", files=PHOTOS, data={"name": "Li", "encoder": "sketch"})
        good = client.post("/api/v1/characters", files=PHOTOS, data={"name": "Li", "encoder": "descriptor"})
    assert [(item["field"], item["rule"]) for item in bad.json()["errors"]] == [("encoder", "engine")]
    assert good.status_code == 202
    (request,) = edge.gateway.requests
    assert isinstance(request, CharacterSubmitted)
    assert request.stages[0].engine == "descriptor"


def test_a_failed_verification_can_be_asked_for_again(edge: Edge) -> None:
    character = known_face(edge, [1.0])
    with edge.client(ME) as client:
        client.post(f"/api/v1/characters/{character}/verify", files={"photo": ("p.png", png(), "image/png")})
        (request,) = edge.gateway.requests
        assert isinstance(request, VerificationRequested)
        task_id = request.request.task_id
        queued = TaskQueued(task_id=task_id, kind=TaskKind.VERIFICATION, sealed=request.sealed)
        edge.model.apply(stamped(queued, ME, 1, 1))
        edge.model.apply(stamped(TaskFailed(task_id=task_id), ME, 2, 2))
        answer = client.post(f"/api/v1/tasks/{task_id}/retry")
    assert answer.status_code == 202
    again = edge.gateway.requests[-1]
    assert isinstance(again, VerificationRequested)
    assert spec_of(edge, again.stages[0]) == spec_of(edge, request.stages[0])


def shown_shot(edge: Edge, character: str, identity: dict[str, Any]) -> str:
    task_id = new_id()
    plan = StagePlan(stage_id="shot-01", kind=StageKind.SHOT, engine="sketch", character_ids=[character])
    result = {"summary": {"identity": identity}, "recipe": {}, "data": {}}
    picture = Artifact(stage_id="shot-01", role="main", key=f"results/{task_id}.png", width=640, height=640)
    common: dict[str, Any] = {"task_id": task_id, "stage_id": "shot-01", "attempt": 1, "device_id": "cpu-0"}
    events: list[Any] = [
        TaskQueued(task_id=task_id, kind=TaskKind.IMAGE, stages=[plan], character_ids=[character]),
        StageDispatched(**common),
        StageStarted(**common),
        StageCompleted(artifacts=[picture], sealed=sealed(edge, result, "result"), **common),
    ]
    for number, event in enumerate(events, start=1):
        edge.model.apply(stamped(event, ME, number, number))
    return task_id


def test_a_character_shows_its_photos_revisions_and_pictures_with_their_scores(edge: Edge) -> None:
    character = known_face(edge, [1.0])
    row = edge.model.character_rows[character]
    revisions = [
        Revision(
            revision=n, task_id=f"t{n}", photo_count=n, artifacts=[Artifact(role="portrait", key=f"results/{n}.png")]
        )
        for n in (1, 2)
    ]
    edge.model.character_rows[character] = replace(row, revisions=revisions)
    told = {"summary": {"encoder": "insightface-p-1", "consistency": 0.8, "least_similarity": 0.7}}
    edge.model.stage_sealed["t1", "embedding"] = sealed(edge, told, "result")
    score = {"character_id": character, "score": 0.42, "threshold": 0.35, "same_person": None}
    scored = shown_shot(edge, character, {"characters": [score], "rolls": [{}, {}]})
    untold = shown_shot(edge, character, {})
    with edge.client(ME) as client:
        shown = client.get(f"/api/v1/characters/{character}").json()
    assert shown["encoder"] == "insightface-p-1"
    assert [(photo["photo"], photo["outlier"]) for photo in shown["photos"]] == [(1, False), (2, False), (3, True)]
    assert shown["photos"][1]["quality"]["overall"] == 0.9
    assert [(item["revision"], item["least_similarity"]) for item in shown["revisions"]] == [(2, None), (1, 0.7)]
    images = {image["task_id"]: image for image in shown["images"]}
    assert [image["kind"] for image in shown["images"]].count("generated") == 2
    generated = images[scored]
    assert generated["kind"] == "generated"
    assert (generated["score"], generated["reached"], generated["rolls"]) == (0.42, True, 2)
    assert generated["same_person"] is None
    assert images[untold]["score"] is None
    assert (images["t2"]["kind"], images["t2"]["revision"], images["t2"]["role"]) == ("reference", 2, "portrait")
