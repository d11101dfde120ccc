"""Sends what is due: at least once, each message with the same id whenever it is sent."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from api.ports import ReadModel
from api.webhooks.deliveries import PAGE, Deliveries, Delivery
from api.webhooks.message import message_body
from api.webhooks.schedule import horizon, next_wait, parse_retries
from api.webhooks.signing import signed_headers
from api.webhooks.subscribers import Gone, Subscribers
from api.webhooks.transport import Answer, Poster
from api.webhooks.urls import UrlError, parse_target
from infra.settings import Settings
from projections.postgres import is_absent, is_transient

log = logging.getLogger(__name__)
POLL = 0.5  # seconds
PAUSE = 5.0
AT_ONCE = 32
PRUNE_EVERY = timedelta(hours=1)
AGENT = "storyreel-webhooks/1"


class Dispatcher:
    """One of any number; each message is one process's for a while. A failing receiver holds up its own account only."""

    def __init__(
        self,
        deliveries: Deliveries,
        queries: ReadModel,
        subscribers: Subscribers,
        poster: Poster,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._deliveries, self._queries, self._subscribers, self._poster = deliveries, queries, subscribers, poster
        self._settings, self._now = settings, now
        self._waits = parse_retries(settings.webhook_retries)
        self._sending: dict[str, asyncio.Task[None]] = {}  # by account
        self._pruned_at: datetime | None = None

    async def run(self) -> None:
        """For ever. Outages are waited out; anything unexpected is logged with its traceback and tried again."""
        await _until_done(self._deliveries.make)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_forever(self._collect))
                group.create_task(_forever(self._send_due))
        finally:
            for task in self._sending.values():
                task.cancel()

    async def _collect(self) -> bool:
        now = self._now()
        found = await self._deliveries.collect(self._subscribers.plan, now, now - horizon(self._waits))
        if self._pruned_at is None or now - self._pruned_at > PRUNE_EVERY:
            await self._deliveries.prune(now)
            self._pruned_at = now
        return found == PAGE  # a few at a time would cost a transaction for each

    async def _send_due(self) -> bool:
        self._sending = {account: task for account, task in self._sending.items() if not task.done()}
        free = AT_ONCE - len(self._sending)
        due: Sequence[Delivery] = []
        if free > 0:
            due = await self._deliveries.claim(self._now(), free, list(self._sending))
        for delivery in due:
            self._sending[delivery.account_id] = asyncio.create_task(self._attempt(delivery))
        if self._sending:
            await asyncio.wait(self._sending.values(), timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
            return True
        return False

    async def _attempt(self, delivery: Delivery) -> None:
        """One attempt; an error on our side leaves the delivery to the end of its lease."""
        async with _told():
            try:
                answer = await self._post(delivery)
            except Gone as gone:
                await self._deliveries.settle(delivery, Answer(None, str(gone), 0), "failed", None, self._now())
                return
            now = self._now()
            if answer is None:
                await self._deliveries.postpone(delivery, now + timedelta(seconds=PAUSE))
                return
            if answer.delivered:
                await self._deliveries.settle(delivery, answer, "delivered", None, now)
                return
            wait = next_wait(self._waits, delivery.attempts + 1, random.random())
            log.info("webhook of task %s: attempt %d failed: %s", delivery.task_id, delivery.attempts + 1, answer)
            if wait is None:
                await self._deliveries.settle(delivery, answer, "failed", None, now)
            else:
                await self._deliveries.settle(delivery, answer, "pending", now + wait, now)

    async def _post(self, delivery: Delivery) -> Answer | None:
        """The answer, None while the event is not in the read model. Raises `Gone` when there is nobody to send to."""
        rows = await self._queries.account_events(delivery.account_id, delivery.account_seq - 1, 1)
        subscriber = await self._subscribers.find(delivery)
        if not rows or rows[0].account_seq != delivery.account_seq or subscriber is None:
            if self._now() - delivery.updated_at > horizon(self._waits):
                raise Gone("the event is not known any more")
            return None
        try:
            target = parse_target(subscriber.url, allow_private=self._settings.webhook_allow_private)
        except UrlError as error:
            return Answer(None, f"the URL {error}", 0)
        body = message_body(rows[0], self._settings.base_url)
        signed = signed_headers(delivery.message_id, int(self._now().timestamp()), body, subscriber.secrets)
        headers = {"content-type": "application/json", "user-agent": AGENT, **signed}
        return await self._poster.post(target, body, headers)


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """An error is logged and is over; whoever needs to know asks whether the work was done."""
    try:
        yield
    except Exception as error:
        if is_transient(error) or is_absent(error):
            log.warning("webhooks wait for the database: %r", error)
        else:
            log.exception("a webhook could not be handled")


async def _until_done(step: Callable[[], Awaitable[None]]) -> None:
    done = False
    while not done:
        async with _told():
            await step()
            done = True
        if not done:
            await asyncio.sleep(PAUSE)


async def _forever(step: Callable[[], Awaitable[bool]]) -> None:
    while True:
        busy = None
        async with _told():
            busy = await step()
        if not busy:
            await asyncio.sleep(PAUSE if busy is None else POLL)
