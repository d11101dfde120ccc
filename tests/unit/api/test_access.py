"""Keys, accounts, and what one account sees of another's."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from api.sealing import AccountSeal
from projections.folds.assets import AssetRow
from projections.folds.characters import CharacterRow
from projections.folds.storyboards import StoryboardRow
from schemas.common import Problem
from schemas.decisions import Outcome
from schemas.ids import new_id
from schemas.requests import UserRegistrationRequested
from schemas.specs import StoryboardDraft
from tests.unit.api.helpers import ME, OTHER, PROMPT, finished_task
from tests.unit.api.support import Edge

FOREIGN = ["tasks/{}", "tasks/{}/events", "tasks/{}/stream", "characters/{}", "assets/{}", "storyboards/{}"]


@pytest.mark.parametrize("path", FOREIGN)
@pytest.mark.parametrize("account", [OTHER, ME])
def test_what_is_another_accounts_is_not_found_and_says_nothing(edge: Edge, path: str, account: str) -> None:
    task = finished_task(edge, OTHER)
    edge.model.assets[task] = AssetRow(asset_id=task, account_id=OTHER)
    edge.model.character_rows[task] = CharacterRow(character_id=task, account_id=OTHER)
    draft = msgspec.to_builtins(StoryboardDraft(title="", language="en", shots=[], duration=0))
    edge.keystore.account_key(OTHER, create=True)
    board = AccountSeal(edge.keystore.account_key(OTHER)).json({"data": {"storyboard": draft}}, "result")
    edge.model.storyboards[task] = StoryboardRow(storyboard_id=task, account_id=OTHER, sealed=board)
    edge.model.rows[task] = replace(edge.model.rows[task], results={})
    edge.model.assets[task] = replace(edge.model.assets[task], sha256="ab" * 32)
    with edge.client(account) as client:
        mine = client.get(f"/api/v1/{path.format(task)}", headers={"Accept": "application/json"})
        nobody = client.get(f"/api/v1/{path.format(new_id())}")
    assert mine.status_code == (200 if account == OTHER else 404)
    assert nobody.status_code == 404
    if account == ME:
        assert {**mine.json(), "trace_id": ""} == {**nobody.json(), "trace_id": ""}


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}, {"X-API-Key": "x"}]
)
def test_without_a_good_key_nothing_is_told(edge: Edge, headers: dict[str, str]) -> None:
    with edge.client() as client:
        answers = [client.get(f"/api/v1/{p}", headers=headers) for p in ("tasks", "usage", "characters", "tasks/x")]
        answers.append(client.post("/api/v1/images/generate", json=PROMPT, headers=headers))
    assert {answer.status_code for answer in answers} == {401}
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers)


def test_both_ways_to_present_a_key_are_good(edge: Edge) -> None:
    key = edge.key(ME)
    with edge.client() as client:
        for headers in ({"Authorization": f"bearer {key}"}, {"X-API-Key": key}):
            assert client.get("/api/v1/tasks", headers=headers).status_code == 200


def test_an_operator_makes_accounts_whose_key_works(edge: Edge) -> None:
    with edge.client("operator", "admin") as client:
        made = client.post("/api/v1/users", json={"tier": "free"})
        (request,) = edge.gateway.requests
        assert isinstance(request, UserRegistrationRequested)
        assert made.status_code == 201
        assert (request.envelope.account_id, request.tier.value) == (made.json()["user_id"], "free")
        headers = {"Authorization": f"Bearer {made.json()['api_key']}"}
        assert client.get("/api/v1/tasks", headers=headers).status_code == 200
    principal = edge.keystore.authenticate(made.json()["api_key"])
    assert principal is not None
    assert (principal.account_id, principal.key_id) == (made.json()["user_id"], request.new_key_id)


def test_a_refused_account_has_no_key(edge: Edge) -> None:
    edge.gateway.answer = lambda d: replace(
        d, outcome=Outcome.REJECTED, problem=Problem(type="Forbidden", code="forbidden")
    )
    with edge.client("operator", "operator") as client:
        assert client.post("/api/v1/users", json={}).status_code == 403
    (request,) = edge.gateway.requests
    (key,) = edge.keystore.api_keys(request.envelope.account_id)
    assert key.revoked_at is not None


def test_a_member_cannot_make_accounts(edge: Edge) -> None:
    with edge.client(ME) as client:
        assert client.post("/api/v1/users", json={}).status_code == 403
    assert edge.gateway.requests == []
