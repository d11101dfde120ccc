"""Live frames to the streams that are open, each with a bounded buffer: a slow client loses its place, never our memory."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from projections.folds.task_events import TaskEventRow
from schemas.render import StageProgressed

BUFFER = 256
Frame = TaskEventRow | StageProgressed


class Subscription:
    """Frames of one task for one client. After an overflow or the hub's end there are no more: `ended` tells."""

    def __init__(self, size: int) -> None:
        self._queue: asyncio.Queue[Frame | None] = asyncio.Queue(size + 1)
        self._size = size
        self.ended = False

    def put(self, frame: Frame) -> None:
        """Hand over a frame. A full buffer drops progress and ends the subscription at an event."""
        if self.ended:
            return
        if self._queue.qsize() < self._size:
            self._queue.put_nowait(frame)
        elif isinstance(frame, TaskEventRow):
            self.end()

    def end(self) -> None:
        """No more frames; those in the buffer are still delivered."""
        if not self.ended:
            self.ended = True
            self._queue.put_nowait(None)

    async def next(self, timeout: float) -> Frame | None:
        """The next frame, None at the end. Raises `TimeoutError` when nothing came for `timeout` seconds."""
        return await asyncio.wait_for(self._queue.get(), timeout)


class Hub:
    """Subscriptions by task."""

    def __init__(self, size: int = BUFFER) -> None:
        self._size = size
        self._by_task: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._closed = False

    def __len__(self) -> int:
        return sum(map(len, self._by_task.values()))

    @contextmanager
    def subscribe(self, task_id: str) -> Iterator[Subscription]:
        """The task's frames from now on."""
        subscription = Subscription(self._size)
        self._by_task[task_id].add(subscription)
        if self._closed:
            subscription.end()
        try:
            yield subscription
        finally:
            self._by_task[task_id].discard(subscription)
            if not self._by_task[task_id]:
                del self._by_task[task_id]

    def publish(self, frame: Frame) -> None:
        """To everybody who follows the task."""
        for subscription in self._by_task.get(frame.task_id, ()):
            subscription.put(frame)

    def drop_all(self) -> None:
        """End every stream; clients resume from the log."""
        for subscriptions in self._by_task.values():
            for subscription in subscriptions:
                subscription.end()

    def close(self) -> None:
        """End every stream and let none begin, before the process stops."""
        self._closed = True
        self.drop_all()
