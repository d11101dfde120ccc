"""Real processes die while work runs: nothing accepted is lost or charged twice."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from infra.local.stack import LocalStack
from tests.e2e.conftest import Account

WORK = {"prompt": "rain over the old town, lanterns", "width": 1024, "height": 576, "count": 4, "seed": 5}


@pytest.mark.parametrize("victim", ["device-0", "coordinator", "read-models"])
async def test_kill_dash_nine_loses_nothing(stack: LocalStack, account: Account, victim: str) -> None:
    tasks = [(await account.accepted("images/generate", WORK))["task_id"] for _ in range(2)]
    assert stack.supervisor is not None
    record = next(r for r in stack.supervisor.records() if r.name == victim)
    assert record.pid is not None
    psutil.Process(record.pid).kill()
    done = await asyncio.gather(*(account.finished(task) for task in tasks))
    assert [task["status"] for task in done] == ["completed", "completed"]
    assert all(len(task["result"]["outputs"]) >= 4 for task in done)
    events = [(await account.http.get(f"tasks/{task}/events")).json()["items"] for task in tasks]
    assert all([e["event"] for e in task].count("task.completed") == 1 for task in events)
    usage = (await account.http.get("usage")).json()
    images = next(item for item in usage["today"] if item["resource"] == "images")
    assert (images["used"], images["reserved"]) == (8, 0)
