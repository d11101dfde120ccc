"""One account's HTTP client: keeps at it until an answer is definite, and writes every answer into the book."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import msgspec

from tests.faults.harness.load.book import Answer, Book, Task

TERMINAL = frozenset({"completed", "failed", "cancelled"})
AGAIN_S = 0.4  # seconds between tries
GIVE_UP_S = 120.0
CALL_TIMEOUT_S = 12.0
_LOST = (aiohttp.ClientError, TimeoutError, OSError)


class Reply(msgspec.Struct, frozen=True):
    """Status 0 and an empty body when the connection broke or nothing came in time."""

    status: int
    body: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))


class Client:
    """Calls of one account."""

    def __init__(self, book: Book, base_url: str, account_id: str, api_key: str, tier: str) -> None:
        self.book = book
        self.account_id = account_id
        self.tier = tier
        self.http = aiohttp.ClientSession(
            base_url + "/api/v1/",
            headers={"Authorization": f"Bearer {api_key}"},
            connector=aiohttp.TCPConnector(limit=200, force_close=False),
            timeout=aiohttp.ClientTimeout(total=CALL_TIMEOUT_S),
        )

    async def close(self) -> None:
        await self.http.close()

    async def call(self, name: str, method: str, path: str, body: Any = None, key: str = "") -> Reply:
        """One try. `name` groups the answers in the book."""
        headers = {"Idempotency-Key": key} if key else {}
        at, began = time.time(), time.monotonic()
        try:
            async with self.http.request(method, path, json=body, headers=headers) as response:
                reply = Reply(response.status, _object(await response.read()))
        except _LOST:
            reply = Reply(0, {})
        took = time.monotonic() - began
        self.book.answer(Answer(at=at, took=took, call=name, status=reply.status, code=reply.code))
        return reply

    async def ask(self, path: str, body: dict[str, Any], key: str = "") -> Task | None:
        """Ask for work until the answer is yes or no. Without a key an answer that leaves it open is not repeated."""
        deadline = time.monotonic() + GIVE_UP_S
        while time.monotonic() < deadline:
            reply = await self.call(path, "POST", path, body, key)
            task_id = str(reply.body.get("task_id", ""))
            if reply.status == 202:
                return self.book.promise(self.account_id, task_id, path, key)
            if 400 <= reply.status < 500:
                self.book.refusal(self.account_id, task_id, key, reply.code)
                return None
            if reply.code != "service_unavailable":
                self.book.unknown(self.account_id, task_id, key)
            if not key:
                return None
            await asyncio.sleep(AGAIN_S)
        self.book.breach(f"POST {path} with a key had no definite answer for {GIVE_UP_S:g} s")
        return None

    async def look(self, task: Task) -> str:
        """The task's status now, "" when it cannot be told. A promised task that is not found is a breach."""
        reply = await self.call("task", "GET", f"tasks/{task.task_id}")
        if reply.status == 404:
            self.book.breach(f"GET of the accepted task {task.task_id} was answered 404")
        status = str(reply.body.get("status", "")) if reply.status == 200 else ""
        if task.status and status and status != task.status:
            self.book.breach(f"task {task.task_id} had ended as {task.status} and is {status}")
        if status in TERMINAL:
            task.status = status
        return status

    async def finish(self, task: Task, patience: float, every: float = 0.5) -> str:
        """Look until the task has ended or the patience is over; the last status."""
        deadline = time.monotonic() + patience
        while (status := await self.look(task)) not in TERMINAL and time.monotonic() < deadline:
            await asyncio.sleep(every)
        return status

    async def act(self, task: Task, verb: str) -> Reply:
        """Cancel, hold, release or retry the task; tried again while the service is away."""
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            reply = await self.call(verb, "POST", f"tasks/{task.task_id}/{verb}")
            if reply.status not in (0, 503) or time.monotonic() > deadline:
                return reply
            await asyncio.sleep(AGAIN_S)

    async def cancel(self, task: Task) -> None:
        """Stop the task and remember what was answered: 202 promises that it ends as cancelled."""
        reply = await self.act(task, "cancel")
        if reply.status == 202 and reply.body.get("status") in {"cancelling", "cancelled"}:
            task.stopped = True
        elif reply.status == 200:
            task.status = str(reply.body.get("status", ""))
        elif reply.status == 404:
            self.book.breach(f"cancelling the accepted task {task.task_id} was answered 404")


def _object(body: bytes) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return decoded if isinstance(decoded, dict) else {}
