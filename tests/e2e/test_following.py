"""Following tasks: events, streams, cancellation."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.e2e.conftest import Account

SLOW = {"prompt": "a mountain temple in the snow at night", "width": 1536, "height": 864, "count": 8, "seed": 3}
SMALL = {"prompt": "a lantern", "engine": "null", "width": 512, "height": 512, "seed": 7}


async def _frames(response: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    frames, name, event_id = [], "", ""
    async for line in response.aiter_lines():
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("id:"):
            event_id = line[3:].strip()
        elif line.startswith("data:"):
            frames.append((name, {"id": event_id} | json.loads(line[5:])))
    return frames


async def test_the_stream_tells_the_whole_life_and_resumes_without_loss(account: Account) -> None:
    task_id = (await account.accepted("images/generate", SMALL))["task_id"]
    async with account.http.stream("GET", f"tasks/{task_id}/stream") as response:
        frames = [f for f in await _frames(response) if f[0] != "progress"]
    names = [name for name, _ in frames]
    assert names[0] == "task.queued"
    assert names[-1] == "task.completed"
    middle = frames[1][1]["id"]
    async with account.http.stream(
        "GET", f"tasks/{task_id}/stream", headers={"Last-Event-ID": str(middle)}
    ) as response:
        resumed = [f for f in await _frames(response) if f[0] != "progress"]
    assert resumed == frames[2:]
    events = (await account.http.get(f"tasks/{task_id}/events")).json()
    assert len(events["items"]) == len(frames)


async def test_cancel_stops_running_work_and_charges_nothing(free_account: Account) -> None:
    task_id = (await free_account.accepted("images/generate", SLOW))["task_id"]
    async with free_account.http.stream("GET", f"tasks/{task_id}/stream") as response:
        async for line in response.aiter_lines():
            if line == "event: stage.started":
                break
    first = await free_account.http.post(f"tasks/{task_id}/cancel")
    again = await free_account.http.post(f"tasks/{task_id}/cancel")
    assert first.status_code in (200, 202)
    assert again.status_code in (200, 202)
    task = await free_account.finished(task_id)
    assert task["status"] == "cancelled"
    after = await free_account.http.post(f"tasks/{task_id}/cancel")
    assert after.status_code == 200
    assert after.json()["status"] == "cancelled"
    usage = (await free_account.http.get("usage")).json()
    images = next(item for item in usage["today"] if item["resource"] == "images")
    assert (images["used"], images["reserved"]) == (0, 0)


async def test_lists_filter_and_page(account: Account) -> None:
    made = {(await account.accepted("images/generate", SMALL))["task_id"] for _ in range(5)}
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 2, "kind": "image"}
    while True:
        page = (await account.http.get("tasks", params=params)).json()
        seen += [item["task_id"] for item in page["items"]]
        if not page.get("next_cursor"):
            break
        params["cursor"] = page["next_cursor"]
    assert len(seen) == len(set(seen))
    assert made <= set(seen)
