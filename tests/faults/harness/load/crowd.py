"""The clients of a run: each asks, follows, repeats and changes its mind, one task after another."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from infra.cli.user import create_user
from infra.settings import Settings
from schemas.errors import StoryreelError
from schemas.ids import new_id
from tests.faults.harness.load.bodies import any_work, other_body, picture
from tests.faults.harness.load.book import Book, Task
from tests.faults.harness.load.client import TERMINAL, Client
from tests.faults.harness.load.following import follow

CLIENTS = 14
MOST_OPEN = 80  # tasks; beyond it everybody waits, so that the end comes soon after the last fault
THINK_S = 0.25
ACCOUNT_TRIES_S = 60.0
BY_HAND = ("hold", "release", "retry")


class Crowd:
    """Starts with `start`, ends asking with `stop`. `chance` decides what clients do, not when faults come."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self.settings = settings
        self.book = Book()
        self.clients: list[Client] = []
        self.by_hand: frozenset[str] = frozenset()
        self._seed = seed
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        """Make the accounts and let the clients begin."""
        shared = [await self.client(tier) for tier in ("vip", "vip", "normal")]
        self.by_hand = await self._by_hand(shared[0])
        for number in range(CLIENTS):
            client = shared[min(number % 4, 2)] if number else shared[0]
            self._spawn(self._one(client, random.Random(f"client {self._seed} {number}")))
        self._spawn(self._look_after())

    async def client(self, tier: str) -> Client:
        """A new account; tried again while the API is away. Raises what stays wrong for a minute."""
        deadline = time.monotonic() + ACCOUNT_TRIES_S
        while True:
            try:
                made: dict[str, Any] = await asyncio.to_thread(create_user, self.settings, tier)
            except StoryreelError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)
            else:
                client = Client(self.book, self.settings.base_url, made["user_id"], made["api_key"], tier)
                self.clients.append(client)
                return client

    async def stop(self, patience: float) -> None:
        """Nobody asks for more; what is under way is waited for."""
        self._stopping = True
        _, late = await asyncio.wait(self._tasks, timeout=patience) if self._tasks else (set(), set())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def close(self) -> None:
        await self.stop(0)
        for client in self.clients:
            await client.close()

    async def race(self, posts: int) -> None:
        """A new free account asks for more than its day allows, all at once; some of it waits for nothing."""
        client = await self.client("free")
        chance = random.Random(posts)
        asks = [picture(chance)[1] | {"count": 1, "engine": "null"} for _ in range(posts)]
        await asyncio.gather(*(client.ask("images/generate", body, new_id()) for body in asks))
        self.book.seen["quota races"] += 1

    async def storm(self, posts: int) -> None:
        """The same request under one key, from many connections at once."""
        client = self.clients[0]
        path, body = picture(random.Random(posts))
        key = new_id()
        await asyncio.gather(*(client.ask(path, body, key) for _ in range(posts)))
        self.book.seen["same-key storms"] += 1

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.book.breach(f"a client failed: {error!r}")

    async def _one(self, client: Client, chance: random.Random) -> None:
        while not self._stopping:
            await asyncio.sleep(chance.uniform(0, 2 * THINK_S))
            if self.book.open > MOST_OPEN:
                continue
            ask = any_work(chance)
            key = new_id() if chance.random() < 0.75 else ""
            task = await client.ask(*ask, key)
            if task is not None:
                await self._live(client, chance, task, ask, key)

    async def _look_after(self) -> None:
        """Ask now and then for tasks that nobody follows any more."""
        while not self._stopping:
            forgotten = [t for t in self.book.tasks.values() if not t.status and time.time() - t.at > 5][:10]
            by_account = {client.account_id: client for client in self.clients}
            for task in forgotten:
                await by_account[task.account_id].look(task)
            await asyncio.sleep(1)

    async def _live(
        self, client: Client, chance: random.Random, task: Task, ask: tuple[str, dict[str, Any]], key: str
    ) -> None:
        match chance.random():
            case lot if lot < 0.12:
                await asyncio.sleep(chance.uniform(0, 0.8))
                await client.cancel(task)
                if await client.finish(task, 10) == "cancelled" and "retry" in self.by_hand and chance.random() < 0.5:
                    await self._again(client, task)
            case lot if lot < 0.30:
                await follow(client, task)
            case lot if lot < 0.45 and key:
                await client.ask(*ask, key)
            case lot if lot < 0.52 and key:
                await self._reuse(client, ask, key)
            case lot if lot < 0.60 and {"hold", "release"} <= self.by_hand:
                await self._hold(client, chance, task)
            case lot if lot < 0.80:
                await client.finish(task, 10, 0.8)
            case _:
                await asyncio.sleep(1)
                await client.look(task)

    async def _reuse(self, client: Client, ask: tuple[str, dict[str, Any]], key: str) -> None:
        """The key with another body: never work, whatever else the answer is."""
        reply = await client.call("other body", "POST", ask[0], other_body(ask), key)
        if reply.status not in (0, 422, 503):
            self.book.breach(f"a used key with another body was answered {reply.status} {reply.code}")

    async def _hold(self, client: Client, chance: random.Random, task: Task) -> None:
        """Hold it and, once that was answered well, let it go again: nothing may stay held."""
        held = await client.act(task, "hold")
        await asyncio.sleep(chance.uniform(0.2, 1.5))
        if held.status < 300:
            await client.act(task, "release")
            self.book.seen["held and released"] += 1

    async def _again(self, client: Client, task: Task) -> None:
        """Do ended work once more, as a new task."""
        reply = await client.act(task, "retry")
        task_id = str(reply.body.get("task_id", ""))
        if reply.status == 202 and task_id != task.task_id:
            self.book.promise(client.account_id, task_id, "retry", "")
            self.book.seen["retried by hand"] += 1
        elif not 400 <= reply.status < 500:
            self.book.breach(f"the retry of {task.task_id} was answered {reply.status} with task {task_id}")

    async def _by_hand(self, client: Client) -> frozenset[str]:
        """Which of hold, release and retry the API has."""
        async with client.http.get(f"{self.settings.base_url}/schema/openapi.json") as response:
            schema = await response.text()
        return frozenset(verb for verb in BY_HAND if f"/tasks/{{task_id}}/{verb}" in schema)


async def settle(book: Book, clients: list[Client], patience: float) -> None:
    """Ask for the end of every accepted task, and what became of work whose answer left it open."""
    by_account = {client.account_id: client for client in clients}
    deadline = time.monotonic() + patience
    gate = asyncio.Semaphore(16)

    async def end(task: Task) -> None:
        async with gate:
            status = await by_account[task.account_id].finish(task, max(1.0, deadline - time.monotonic()))
        if status not in TERMINAL:
            book.breach(f"task {task.task_id} ({task.call}) has not ended: {status or 'no answer'}")

    async def resolve(task_id: str, account_id: str) -> None:
        async with gate:
            reply = await by_account[account_id].call("undecided", "GET", f"tasks/{task_id}")
        book.seen["undecided that were accepted" if reply.status == 200 else "undecided that came to nothing"] += 1
        if reply.status not in (200, 404):
            book.breach(f"GET of the undecided task {task_id} was answered {reply.status} though all is up")

    open_tasks = [task for task in book.tasks.values() if not task.status or task.stopped]
    await asyncio.gather(*(end(task) for task in open_tasks), *(resolve(*item) for item in book.undecided.items()))
