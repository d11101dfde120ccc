"""Held, released, retried and reused tasks, as clients of the HTTP API see them."""

from __future__ import annotations

import asyncio
from typing import Any

from infra.local.stack import LocalStack
from tests.e2e.conftest import Account

SMALL = {"prompt": "a lantern", "engine": "null", "width": 512, "height": 512}
FILM = {
    "scenes": [{"prompt": f"scene {n}", "duration": 1} for n in range(6)],
    "video_config": {"resolution": "640x512", "fps": 8, "audio": False},
}


async def _post(account: Account, task_id: str, what: str) -> dict[str, Any]:
    response = await account.http.post(f"tasks/{task_id}/{what}")
    assert response.status_code == 202, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_a_held_film_waits_and_goes_on_when_it_is_released(account: Account) -> None:
    task_id = (await account.accepted("videos/generate", FILM))["task_id"]
    held = await _post(account, task_id, "hold")
    assert (held["held"], held["status"] in {"queued", "processing"}) == (True, True)
    other = await account.finished((await account.accepted("images/generate", SMALL))["task_id"])
    assert other["status"] == "completed", "others are not held back"
    waiting = await account.task(task_id)
    assert waiting["held"] is True
    assert [stage["status"] for stage in waiting["stages"] if stage["id"] == "film"] == ["queued"]
    assert (await _post(account, task_id, "release"))["held"] is False
    assert (await account.finished(task_id))["status"] == "completed"
    events = [item["event"] for item in (await account.http.get(f"tasks/{task_id}/events")).json()["items"]]
    assert (events.count("task.held"), events.count("task.released")) == (1, 1)
    again = await account.http.post(f"tasks/{task_id}/hold")
    assert (again.status_code, again.json()["status"]) == (200, "completed")


async def test_an_operator_holds_anybodys_task_and_a_stranger_does_not(
    stack: LocalStack, account: Account, free_account: Account
) -> None:
    task_id = (await account.accepted("videos/generate", FILM))["task_id"]
    assert (await free_account.http.post(f"tasks/{task_id}/hold")).status_code == 404
    key = (stack.settings.secrets_dir / "operator.key").read_text(encoding="utf-8").strip()
    operator = {"Authorization": f"Bearer {key}"}
    response = await free_account.http.post(f"tasks/{task_id}/hold", headers=operator)
    assert (response.status_code, response.json()["held"]) == (202, True), response.text
    assert (await account.task(task_id))["held"] is True
    await account.http.post(f"tasks/{task_id}/cancel")
    assert (await account.finished(task_id))["status"] == "cancelled"


async def test_a_cancelled_task_is_asked_for_again_and_linked(account: Account, free_account: Account) -> None:
    task_id = (await account.accepted("videos/generate", FILM))["task_id"]
    early = await account.http.post(f"tasks/{task_id}/retry")
    assert (early.status_code, early.json()["type"]) == (409, "NotRetryable")
    await account.http.post(f"tasks/{task_id}/cancel")
    assert (await account.finished(task_id))["status"] == "cancelled"
    assert (await free_account.http.post(f"tasks/{task_id}/retry")).status_code == 404
    key = {"Idempotency-Key": f"again-{task_id}"}
    answers = await asyncio.gather(*(account.http.post(f"tasks/{task_id}/retry", headers=key) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [202] * 3
    (again,) = {answer.json()["task_id"] for answer in answers}
    task = await account.finished(again)
    assert (task["status"], task["retry_of"]) == ("completed", task_id), task["error"]
    done = await account.http.post(f"tasks/{again}/retry")
    assert done.status_code == 409


async def test_the_same_picture_is_not_rendered_twice(free_account: Account) -> None:
    body = SMALL | {"seed": 20_260_504, "count": 2}
    first = await free_account.finished((await free_account.accepted("images/generate", body))["task_id"])
    answer = await free_account.accepted("images/generate", body)
    assert (answer["status"], answer["estimated_time"]) == ("completed", 0)
    task = await free_account.task(answer["task_id"])
    assert (task["cached"], task["cached_from"], task["stages"]) == (True, first["task_id"], [])
    assert [o["key"] for o in task["result"]["outputs"]] == [o["key"] for o in first["result"]["outputs"]]
    (images,) = [u for u in (await free_account.http.get("usage")).json()["today"] if u["resource"] == "images"]
    assert (images["used"], images["reserved"]) == (4, 0), (
        "a quota bounds requests, unless the operator makes this free"
    )
    other = await free_account.accepted("images/generate", body | {"seed": 1})
    assert other["status"] == "queued"
