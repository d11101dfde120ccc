"""Load figures of a whole local stack: `python -m tests.benchmarks.load` (two devices, null engine, everything on this machine).

Prints accepted requests a second and latencies at 32 connections, tasks a second end to end, and the time of a single
task from POST to the completed GET. Client and servers share the cores.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from infra.cli.user import create_user
from infra.local import ports
from infra.local.apps import APPS
from infra.local.stack import LocalStack, StackOptions
from schemas.topics import TOPICS

BODY = {"prompt": "load", "engine": "null", "width": 1536, "height": 864, "seed": 1}
CONNECTIONS = 32
REQUESTS = 1_500
SINGLES = 40


async def main() -> None:
    """Start a stack in a temporary folder, measure, print."""
    options = StackOptions(apps=APPS, devices=2, topics=TOPICS, api_port=ports.choose(None, frozenset()))
    with tempfile.TemporaryDirectory(prefix="storyreel-load-") as folder:
        async with LocalStack(Path(folder), options=options) as stack:
            key = create_user(stack.settings, "vip")["api_key"]
            connector = aiohttp.TCPConnector(limit=CONNECTIONS)
            headers = {"Authorization": f"Bearer {key}"}
            base = f"{stack.settings.base_url}/api/v1/"
            async with aiohttp.ClientSession(base, connector=connector, headers=headers) as http:
                await _post(http)
                await _singles(http)
                await _bulk(http)


async def _post(http: aiohttp.ClientSession) -> str:
    async with http.post("images/generate", json=BODY) as answer:
        assert answer.status == 202, await answer.text()
        return str((await answer.json())["task_id"])


async def _status(http: aiohttp.ClientSession, task_id: str) -> str:
    async with http.get(f"tasks/{task_id}") as answer:
        return str((await answer.json())["status"])


async def _singles(http: aiohttp.ClientSession) -> None:
    times = []
    for _ in range(SINGLES):
        began = time.perf_counter()
        task_id = await _post(http)
        while await _status(http, task_id) != "completed":
            await asyncio.sleep(0.002)
        times.append((time.perf_counter() - began) * 1000)
    print(f"single task POST → completed: p50 {statistics.median(times):.0f} ms, max {max(times):.0f} ms ({SINGLES})")


async def _bulk(http: aiohttp.ClientSession) -> None:
    latencies: list[float] = []
    tasks: list[str] = []
    todo = iter(range(REQUESTS))
    began = time.perf_counter()

    async def client() -> None:
        for _ in todo:
            sent = time.perf_counter()
            tasks.append(await _post(http))
            latencies.append((time.perf_counter() - sent) * 1000)

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    accepted = time.perf_counter() - began
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
    print(f"accepts at {CONNECTIONS} connections: {REQUESTS / accepted:.0f}/s, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    while await _status(http, tasks[-1]) != "completed" or await _open(http):
        await asyncio.sleep(0.05)
    print(
        f"tasks end to end: {REQUESTS / (time.perf_counter() - began):.0f}/s ({REQUESTS} pictures 1536x864, null engine)"
    )


async def _open(http: aiohttp.ClientSession) -> bool:
    async with http.get("tasks", params={"status": "queued", "limit": "1"}) as answer:
        queued = (await answer.json())["items"]
    async with http.get("tasks", params={"status": "processing", "limit": "1"}) as answer:
        return bool(queued or (await answer.json())["items"])


if __name__ == "__main__":
    asyncio.run(main())
