"""Time from kill -9 of a device to the dispatch of its work to another one: `python -m tests.benchmarks.device_deaths`.

`--kills N` (20) with the devices under the stack's supervisor, which reports their ends; `--alone N` (10) with agents that
nobody watches, whose lease of 10 s has to run out. Prints p50, p95 and maximum, seen by a reader of the log.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from infra.cli.user import create_user
from infra.local import ports
from infra.local.apps import APPS
from infra.local.stack import LocalStack, StackOptions
from infra.settings import Settings
from schemas.entities import DeviceChanged, DeviceStatus
from schemas.tasks import StageDispatched, StageStarted, TaskCompleted
from schemas.topics import TOPICS
from tests.tailing import Tail, tailing

PidOf = Callable[[str], int]
Again = Callable[[str], Awaitable[None]]
"""Brings a killed device back, after its work went elsewhere."""
BODY = {"prompt": "rain over the old town", "engine": "sketch", "width": 768, "height": 512}


async def main(kills: int, alone: int) -> None:
    """Run both measurements, each on a stack of its own."""
    if kills:
        async with _stack(devices=2) as stack:
            title = "whose supervisor sees it"
            await _measure(title, stack, kills, lambda d: stack.pid_of(_name(d)), lambda d: stack.restart(_name(d)))
    if alone:
        async with _stack(devices=0) as stack, AsyncExitStack() as agents:
            pids: dict[str, int] = {}

            async def start(device: str) -> None:
                pids[device] = await agents.enter_async_context(_agent(stack.settings, device))

            for device in ("cpu-0", "cpu-1"):
                await start(device)
            await _measure("that nobody watches", stack, alone, pids.__getitem__, start)


def _name(device: str) -> str:
    return device.replace("cpu", "device")


@asynccontextmanager
async def _stack(devices: int) -> AsyncIterator[LocalStack]:
    options = StackOptions(apps=APPS, devices=devices, topics=TOPICS, api_port=ports.choose(None, frozenset()))
    with tempfile.TemporaryDirectory(prefix="storyreel-deaths-") as folder:
        Path(folder).chmod(0o711)
        async with LocalStack(Path(folder), options=options) as stack:
            yield stack


@asynccontextmanager
async def _agent(settings: Settings, device: str) -> AsyncIterator[int]:
    """The pid of an agent that nobody starts again."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gpu_agents", "--device", device), env=dict(os.environ) | settings.to_env()
    )
    try:
        yield process.pid
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _measure(title: str, stack: LocalStack, kills: int, pid_of: PidOf, again: Again) -> None:
    key = create_user(stack.settings, "vip")["api_key"]
    base, headers = f"{stack.settings.base_url}/api/v1/", {"Authorization": f"Bearer {key}"}
    async with (
        httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=30) as http,
        tailing(stack.settings, "tasks", "devices") as tail,
    ):
        await _warm(http, tail)
        times = []
        for number in range(kills):
            times.append(await _kill_one(http, tail, pid_of, again, number))
            print(f"{times[-1]:.2f} s", end=" ", flush=True)
        print()
    times.sort()
    p95 = times[min(len(times) - 1, int(0.95 * len(times)))]
    print(
        f"kill -9 of a device {title} → its work dispatched to another: p50 {statistics.median(times):.2f} s, "
        f"p95 {p95:.2f} s, max {times[-1]:.2f} s ({len(times)} kills)",
        flush=True,
    )


async def _submit(http: httpx.AsyncClient, seed: int) -> str:
    answer = await http.post("images/generate", json=BODY | {"seed": seed})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["task_id"])


async def _warm(http: httpx.AsyncClient, tail: Tail) -> None:
    """Both devices have rendered something."""
    seed = 1000
    while len({d.device_id for d in tail.all(StageStarted)}) < 2:
        tasks = {await _submit(http, seed + number) for number in range(2)}
        await tail.expect(TaskCompleted, lambda e, last=tasks: e.task_id in last)  # type: ignore[misc]
        seed += 2


async def _kill_one(http: httpx.AsyncClient, tail: Tail, pid_of: PidOf, again: Again, number: int) -> float:
    """Kill the device that began the task; seconds until a stage that it had goes elsewhere. All ends well after it."""
    task = await _submit(http, number)
    _, started = await tail.expect(StageStarted, lambda e: e.task_id == task)
    victim = started.device_id
    killed = time.monotonic()
    os.kill(pid_of(victim), 9)
    at, _ = await tail.expect(
        StageDispatched, lambda e: (e.task_id, e.stage_id) == (task, started.stage_id) and e.device_id != victim
    )
    took = at - killed
    await again(victim)
    await tail.expect(TaskCompleted, lambda e: e.task_id == task)
    lost = [
        d.epoch for d in tail.all(DeviceChanged, lambda d: d.device_id == victim and d.status is not DeviceStatus.LIVE)
    ]
    await tail.expect(
        DeviceChanged, lambda d: d.device_id == victim and d.status is DeviceStatus.LIVE and d.epoch > max(lost)
    )
    return took


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--alone", type=int, default=10)
    options = parser.parse_args()
    asyncio.run(main(options.kills, options.alone))
