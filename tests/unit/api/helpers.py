"""Two accounts, what they have, and the opening of what was sealed for them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from api.sealing import AccountSeal
from infra.keystore import unseal_json, unseal_spec
from projections.folds.characters import CharacterRow
from schemas.common import Artifact, StageKind, StagePlan, TaskKind
from schemas.ids import new_id
from schemas.purposes import Purpose, aad
from schemas.specs import Spec
from schemas.tasks import StageCompleted, StageDispatched, StageStarted, TaskCompleted, TaskQueued
from tests.unit.api.support import Edge, stamped

ME, OTHER = "018f0000-0000-7000-8000-00000000000a", "018f0000-0000-7000-8000-00000000000b"
PROMPT = {"prompt": "a lantern on a hill"}


def spec_of(edge: Edge, stage: StagePlan) -> Spec:
    return unseal_spec(edge.keystore.account_key(ME), stage.sealed, aad(ME, "spec"))


def opened(edge: Edge, sealed: bytes, purpose: Purpose) -> dict[str, Any]:
    return unseal_json(edge.keystore.account_key(ME), sealed, aad(ME, purpose))


def sealed(edge: Edge, value: dict[str, Any], purpose: Purpose) -> bytes:
    return AccountSeal(edge.keystore.account_key(ME, create=True)).json(value, purpose)


def ready_character(edge: Edge, account_id: str = ME, status: str = "ready") -> str:
    row = CharacterRow(
        character_id=new_id(),
        account_id=account_id,
        status=status,  # type: ignore[arg-type]
        revision=2,
        artifacts=[Artifact(role="portrait", key="results/portrait.png")],
        sealed=sealed(edge, {"name": "Han Li", "description": "a young monk", "metadata": {"a": 1}}, "profile"),
    )
    edge.model.character_rows[row.character_id] = row
    return row.character_id


def finished_task(edge: Edge, account_id: str = ME) -> str:
    task_id = new_id()
    result = {"summary": {"voice": "plain"}, "recipe": {"seed": 5}, "data": {"x": [1]}}
    stage = StagePlan(stage_id="shot-01", kind=StageKind.SHOT, engine="sketch", deliver=True)
    outputs = [
        Artifact(stage_id="shot-01", role="main", key="results/a.png", content_type="image/png", width=64, height=48),
        Artifact(stage_id="shot-01", role="thumbnail", key="results/t.jpg"),
    ]
    events: list[Any] = [
        TaskQueued(task_id=task_id, kind=TaskKind.IMAGE, stages=[stage]),
        StageDispatched(task_id=task_id, stage_id="shot-01", attempt=1, device_id="cpu-0"),
        StageStarted(task_id=task_id, stage_id="shot-01", attempt=1, device_id="cpu-0"),
        StageCompleted(
            task_id=task_id,
            stage_id="shot-01",
            attempt=1,
            device_id="cpu-0",
            render_ms=2500,
            sealed=sealed(edge, result, "result"),
        ),
        TaskCompleted(task_id=task_id, outputs=outputs),
    ]
    first = len(edge.model.events) + 1
    for number, event in enumerate(events):
        edge.model.apply(stamped(event, account_id, number + 1, first + number))
    return task_id


def png(colour: str = "red", mode: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, mode)
    return out.getvalue()
