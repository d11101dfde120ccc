"""Characters by an encoder that no device can use: refused with the device's reason, and nothing is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from api.readiness import unready
from projections.folds.devices import DeviceRow
from schemas.entities import DeviceStatus, EngineInfo
from tests.unit.api.helpers import ME, finished_task, png, sealed
from tests.unit.api.support import Edge
from tests.unit.api.test_likeness import known_face

LICENCE = "ConfigurationError: the licence of the face pack 'buffalo_l' was not accepted yet. It says: research only."
PHOTOS = [("photos", ("a.png", png(), "image/png"))]


def device(name: str, problem: str, status: DeviceStatus = DeviceStatus.LIVE) -> DeviceRow:
    return DeviceRow(device_id=name, status=status, engines=[EngineInfo(name="insightface", problem=problem)])


def make(edge: Edge, **headers: str) -> Any:
    with edge.client(ME) as client:
        form = {"name": "Li", "encoder": "insightface"}
        return client.post("/api/v1/characters", files=PHOTOS, data=form, headers=headers)


def test_a_licence_that_nobody_accepted_refuses_the_character_and_changes_nothing(edge: Edge, tmp_path: Path) -> None:
    edge.model.device_rows = [device("cpu-0", LICENCE)]
    answer = make(edge)
    assert answer.status_code == 400
    (bad,) = answer.json()["errors"]
    assert (bad["field"], bad["rule"]) == ("encoder", "engine_unready")
    assert "insightface is ready on no device" in bad["message"]
    assert "'buffalo_l' was not accepted yet. It says: research only." in bad["message"]
    assert edge.gateway.requests == []
    assert not [path for path in (tmp_path / "objects").rglob("*") if path.is_file()]


@pytest.mark.parametrize("route", ["revisions", "verify"])
def test_neither_revised_nor_verified_by_it(edge: Edge, route: str) -> None:
    character = known_face(edge, [1.0])
    row = edge.model.character_rows[character]
    profile = {"name": "Li", "encoder": "insightface"}
    edge.model.character_rows[character] = replace(row, sealed=sealed(edge, profile, "profile"))
    edge.model.device_rows = [device("cpu-0", LICENCE)]
    name = {"revisions": "photos", "verify": "photo"}[route]
    with edge.client(ME) as client:
        answer = client.post(f"/api/v1/characters/{character}/{route}", files={name: ("p.png", png(), "image/png")})
    assert [(bad["field"], bad["rule"]) for bad in answer.json()["errors"]] == [("character_id", "engine_unready")]
    assert edge.gateway.requests == []


def test_one_device_that_can_or_none_that_says_anything_is_enough(edge: Edge) -> None:
    for rows in ([], [device("cpu-0", LICENCE), device("cuda-0", "")], [device("cpu-0", LICENCE, DeviceStatus.LOST)]):
        edge.model.device_rows = rows
        assert make(edge).status_code == 202
    assert unready([device("cpu-0", LICENCE)], "descriptor") == ""


def test_a_replay_is_answered_however_the_devices_are(edge: Edge) -> None:
    task_id = make(edge, **{"Idempotency-Key": "k"}).json()["task_id"]
    edge.model.rows[task_id] = replace(edge.model.rows[finished_task(edge)], task_id=task_id)
    edge.model.device_rows = [device("cpu-0", LICENCE)]
    assert make(edge, **{"Idempotency-Key": "k"}).json()["task_id"] == task_id
    assert make(edge, **{"Idempotency-Key": "other"}).status_code == 400


def test_without_the_database_nothing_is_refused(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> list[DeviceRow]:
        raise ConnectionRefusedError

    monkeypatch.setattr(edge.model, "devices", away)
    assert make(edge).status_code == 202
