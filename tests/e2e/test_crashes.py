"""Real processes die while work runs: nothing accepted is lost or charged twice."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from typing import Any

import psutil
import pytest

from infra.local.deaths import REASON
from infra.local.stack import LocalStack
from schemas.entities import DeviceChanged, DeviceStatus
from schemas.tasks import StageCompleted, StageDispatched, StageStarted, TaskCompleted
from tests.e2e.conftest import TERMINAL, Account
from tests.tailing import tailing

FILM = {
    "scenes": [{"id": f"scene-{n}", "prompt": f"a hill with {n} trees", "duration": 1.0} for n in range(6)],
    "video_config": {"resolution": "640x512", "fps": 8},
    "output_format": "mp4",
}
WORK = {"prompt": "rain over the old town, lanterns", "width": 1024, "height": 576, "count": 4}


async def _ended(account: Account, task_id: str) -> dict[str, Any]:
    """The task once the read model, whose process may just be starting again, shows its end."""
    while True:
        answer = await account.http.get(f"tasks/{task_id}")
        if answer.status_code == 200 and answer.json()["status"] in TERMINAL:
            return dict(answer.json())
        await asyncio.sleep(0.2)


async def _images(account: Account) -> tuple[int, int]:
    """Pictures used and reserved today."""
    today = (await account.http.get("usage")).json()["today"]
    images = next(item for item in today if item["resource"] == "images")
    return images["used"], images["reserved"]


@pytest.mark.parametrize("victim", ["device-0", "coordinator", "read-models"])
async def test_kill_dash_nine_loses_nothing(stack: LocalStack, account: Account, victim: str) -> None:
    tasks = [(await account.accepted("images/generate", WORK | {"seed": seed}))["task_id"] for seed in (5, 6)]
    assert stack.supervisor is not None
    record = next(r for r in stack.supervisor.records() if r.name == victim)
    assert record.pid is not None
    psutil.Process(record.pid).kill()
    done = await asyncio.gather(*(_ended(account, task) for task in tasks))
    assert [task["status"] for task in done] == ["completed", "completed"]
    assert all(len(task["result"]["outputs"]) >= 4 for task in done)
    events = [(await account.http.get(f"tasks/{task}/events")).json()["items"] for task in tasks]
    assert all([e["event"] for e in task].count("task.completed") == 1 for task in events)
    async with asyncio.timeout(60):
        while (await _images(account))[1]:  # the rows of quotas may come after those of tasks
            await asyncio.sleep(0.2)
    assert await _images(account) == (8, 0)


async def test_a_film_goes_on_from_its_finished_stages_when_a_device_dies(stack: LocalStack, account: Account) -> None:
    async with tailing(stack.settings, "tasks", "devices") as tail:
        task = (await account.accepted("videos/generate", FILM))["task_id"]

        def unfinished(started: StageStarted) -> bool:
            done = {e.stage_id for e in tail.all(StageCompleted, lambda e: e.task_id == task)}
            return started.task_id == task and bool(done) and started.stage_id not in done

        _, running = await tail.expect(StageStarted, unfinished)
        victim = running.device_id
        os.kill(stack.pid_of(victim.replace("cpu", "device")), signal.SIGKILL)
        killed = time.monotonic()
        finished = [e.stage_id for e in tail.all(StageCompleted, lambda e: e.task_id == task)]
        lost_at, lost = await tail.expect(
            DeviceChanged, lambda d: d.device_id == victim and (d.epoch, d.status) == (running.epoch, DeviceStatus.LEFT)
        )
        print(f"the death of {victim} was known after {lost_at - killed:.2f} s, {len(finished)} stages were finished")
        assert lost.reason == REASON
        done = await account.finished(task)
        assert done["status"] == "completed", done["error"]
        await tail.expect(TaskCompleted, lambda e: e.task_id == task)
        given = Counter(e.stage_id for e in tail.all(StageDispatched, lambda e: e.task_id == task))
        completed = Counter(e.stage_id for e in tail.all(StageCompleted, lambda e: e.task_id == task))
    assert finished
    assert {stage: given[stage] for stage in finished} == dict.fromkeys(finished, 1)
    assert set(completed.values()) == {1}
    print(f"{sum(given.values()) - len(given)} stages ran again")
