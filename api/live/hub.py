"""Live frames to the streams that are open, each with a bounded buffer: a slow client loses its place, never our memory."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from projections.folds.task_events import TaskEventRow
from schemas.render import StageProgressed

BUFFER = 256
Frame = TaskEventRow | StageProgressed
Reason = Literal["slow", "shutdown", "lost"]
Topic = tuple[Literal["task", "account"], str]


class Subscription:
    """Frames of one task or account for one client. After an overflow or the hub's end there are no more: `ended` tells.

    `reason`: "slow" after an overflow, "lost" when this process missed records, "shutdown" when it stops.
    """

    def __init__(self, size: int) -> None:
        self._queue: asyncio.Queue[Frame | None] = asyncio.Queue(size + 1)
        self._size = size
        self.ended = False
        self.reason: Reason = "slow"

    def put(self, frame: Frame) -> None:
        """Hand over a frame. A full buffer drops progress and ends the subscription at an event."""
        if self.ended:
            return
        if self._queue.qsize() < self._size:
            self._queue.put_nowait(frame)
        elif isinstance(frame, TaskEventRow):
            self.end("slow")

    def end(self, reason: Reason) -> None:
        """No more frames; those in the buffer are still delivered."""
        if not self.ended:
            self.ended, self.reason = True, reason
            self._queue.put_nowait(None)

    async def next(self, timeout: float) -> Frame | None:
        """The next frame, None at the end. Raises `TimeoutError` when nothing came for `timeout` seconds."""
        return await asyncio.wait_for(self._queue.get(), timeout)


class Hub:
    """Subscriptions by task and by account."""

    def __init__(self, size: int = BUFFER) -> None:
        self._size = size
        self._by_topic: defaultdict[Topic, set[Subscription]] = defaultdict(set)
        self._closed = False

    def __len__(self) -> int:
        return sum(map(len, self._by_topic.values()))

    @contextmanager
    def subscribe(self, task_id: str) -> Iterator[Subscription]:
        """The task's frames from now on."""
        with self._subscribe(("task", task_id)) as subscription:
            yield subscription

    @contextmanager
    def subscribe_account(self, account_id: str) -> Iterator[Subscription]:
        """The frames of all of the account's tasks from now on."""
        with self._subscribe(("account", account_id)) as subscription:
            yield subscription

    def follows(self, task_id: str, account_id: str) -> bool:
        """Whether anybody would get a frame of that task."""
        return ("task", task_id) in self._by_topic or ("account", account_id) in self._by_topic

    def publish(self, frame: Frame) -> None:
        """To everybody who follows the task or its account."""
        account_id = frame.account_id if isinstance(frame, TaskEventRow) else frame.envelope.account_id
        topics: tuple[Topic, Topic] = ("task", frame.task_id), ("account", account_id)
        for topic in topics:
            for subscription in self._by_topic.get(topic, ()):
                subscription.put(frame)

    def drop_all(self, reason: Reason = "lost") -> None:
        """End every stream; clients resume from the log."""
        for subscriptions in self._by_topic.values():
            for subscription in subscriptions:
                subscription.end(reason)

    def close(self) -> None:
        """End every stream and let none begin, before the process stops."""
        self._closed = True
        self.drop_all("shutdown")

    @contextmanager
    def _subscribe(self, topic: Topic) -> Iterator[Subscription]:
        subscription = Subscription(self._size)
        self._by_topic[topic].add(subscription)
        if self._closed:
            subscription.end("shutdown")
        try:
            yield subscription
        finally:
            self._by_topic[topic].discard(subscription)
            if not self._by_topic[topic]:
                del self._by_topic[topic]
