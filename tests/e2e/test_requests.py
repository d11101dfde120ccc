"""What clients of the HTTP API see: answers, quota, idempotency, isolation."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest

from infra.local.stack import LocalStack
from tests.e2e.conftest import Account

SMALL = {"prompt": "a lantern", "engine": "null", "width": 512, "height": 512, "seed": 7}


async def test_a_picture_is_accepted_rendered_and_delivered(account: Account) -> None:
    accepted = await account.accepted("images/generate", SMALL)
    assert accepted["status"] == "queued"
    assert accepted["estimated_time"] >= 0
    task = await account.finished(accepted["task_id"])
    assert task["status"] == "completed"
    assert task["progress"] == 100
    async with httpx.AsyncClient(trust_env=False) as anyone:
        picture = await anyone.get(task["result"]["url"])
    assert picture.status_code == 200
    assert picture.content.startswith(b"\x89PNG")
    assert picture.headers["x-content-type-options"] == "nosniff"


async def test_a_get_right_after_202_is_never_404_or_older(account: Account) -> None:
    async def submit_and_get() -> str:
        accepted = await account.accepted("images/generate", SMALL)
        return str((await account.task(accepted["task_id"]))["status"])

    statuses = await asyncio.gather(*(submit_and_get() for _ in range(40)))
    assert set(statuses) <= {"queued", "processing", "completed"}


async def test_parallel_requests_never_pass_the_quota(free_account: Account) -> None:
    for _ in range(10):
        await free_account.accepted("images/generate", SMALL)
    responses = await asyncio.gather(*(free_account.http.post("images/generate", json=SMALL) for _ in range(200)))
    assert Counter(r.status_code for r in responses) == {202: 10, 400: 190}
    refused = [r.json() for r in responses if r.status_code == 400]
    assert {r["type"] for r in refused} == {"QuotaExceeded"}
    assert all("error" in r for r in refused)
    usage = (await free_account.http.get("usage")).json()
    assert "images" in str(usage)


async def test_one_idempotency_key_makes_one_task(account: Account) -> None:
    key = {"Idempotency-Key": "the-same"}
    answers = await asyncio.gather(*(account.accepted("images/generate", SMALL, **key) for _ in range(30)))
    assert len({answer["task_id"] for answer in answers}) == 1
    other = await account.http.post("images/generate", json=SMALL | {"seed": 8}, headers=key)
    assert other.status_code == 422
    assert other.json()["type"] == "IdempotencyKeyReuse"


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b'{"prompt": "x", "bogus": 1}', "application/json", 400),
        (b'{"prompt": 5}', "application/json", 400),
        (b"prompt=x", "application/x-www-form-urlencoded", 415),
        (b'{"prompt": "' + b"x" * 3_000_000 + b'"}', "application/json", 413),
    ],
    ids=["empty", "cut", "array", "unknown field", "wrong type", "form", "huge"],
)
async def test_bad_bodies_get_clear_errors(account: Account, content: bytes, content_type: str, status: int) -> None:
    before = (await account.http.get("tasks")).json()
    response = await account.http.post("images/generate", content=content, headers={"Content-Type": content_type})
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    assert {"error", "type", "code", "status"} <= set(response.json())
    assert (await account.http.get("tasks")).json() == before


async def test_every_bad_field_is_named_at_once(account: Account) -> None:
    body = {"prompt": "", "width": 500, "height": 4096, "num_inference_steps": 1, "count": 9, "seed": -1}
    problem = (await account.http.post("images/generate", json=body)).json()
    assert {error["field"] for error in problem["errors"]} == set(body)


async def test_limits_of_the_account_are_decided_by_the_coordinator(account: Account) -> None:
    scenes = [{"prompt": f"scene {n}", "duration": 31} for n in range(2)]
    response = await account.http.post("videos/generate", json={"scenes": scenes})
    assert response.status_code == 400
    assert {error["field"] for error in response.json()["errors"]} == {"duration", "frames"}


async def test_another_accounts_ids_are_not_found(account: Account, free_account: Account) -> None:
    accepted = await account.accepted("images/generate", SMALL)
    task_id = accepted["task_id"]
    for response in (
        await free_account.http.get(f"tasks/{task_id}"),
        await free_account.http.post(f"tasks/{task_id}/cancel"),
        await free_account.http.get(f"tasks/{task_id}/events"),
        await free_account.http.get(f"tasks/{task_id}/stream"),
    ):
        assert response.status_code == 404, response.url
    mine = (await free_account.http.get("tasks")).json()
    assert task_id not in str(mine)


async def test_without_a_key_nothing_is_told(stack: LocalStack) -> None:
    async with httpx.AsyncClient(base_url=f"{stack.settings.base_url}/api/v1/", trust_env=False) as anyone:
        for header in ({}, {"Authorization": "Bearer sr_nonsense"}, {"Authorization": "Basic eDp5"}):
            response = await anyone.get("tasks", headers=header)
            assert response.status_code == 401
            assert "www-authenticate" in response.headers


async def test_a_member_cannot_make_users(account: Account) -> None:
    assert (await account.http.post("users", json={"tier": "vip"})).status_code == 403


async def test_messages_come_in_the_callers_language(account: Account) -> None:
    response = await account.http.post("images/generate", json={"prompt": ""}, headers={"Accept-Language": "zh"})
    assert any("\u4e00" <= letter <= "\u9fff" for letter in response.json()["error"])


async def test_health_metrics_and_docs(stack: LocalStack) -> None:
    async with httpx.AsyncClient(base_url=stack.settings.base_url, trust_env=False) as anyone:
        assert (await anyone.get("/health/live")).status_code == 200
        assert (await anyone.get("/health/ready")).status_code == 200
        assert "storyreel_" in (await anyone.get("/metrics")).text
        schema = await anyone.get("/schema/openapi.json")
        assert "/api/v1/images/generate" in schema.text
