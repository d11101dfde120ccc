"""All partitions of a shard's ledger in one order."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator

from infra.audit.events import Event, Place


class Merge:
    """Merges partitions by `shard_seq`. Each is filled in order of its offsets; what is buffered is all the memory it takes.

    The next event is known when every partition that is still being read has one waiting.
    """

    def __init__(self, places: Iterable[Place]) -> None:
        self._buffers: dict[Place, deque[Event]] = {place: deque() for place in places}
        self._heap: list[tuple[int, Place, int]] = []
        self._unread = set(self._buffers)
        self._starved = set(self._buffers)

    def push(self, event: Event) -> None:
        """The next event of its partition."""
        buffer = self._buffers[event.raw.place]
        if not buffer:
            self._starved.discard(event.raw.place)
            heapq.heappush(self._heap, (event.shard_seq, event.raw.place, event.raw.offset))
        buffer.append(event)

    def close(self, place: Place) -> None:
        """The partition was read to its end."""
        self._unread.discard(place)
        self._starved.discard(place)

    def starved(self) -> list[Place]:
        """Partitions without which the next event is unknown."""
        return sorted(self._starved)

    def peek(self) -> Event | None:
        """The next event, None if it is unknown or there is none."""
        if self._starved or not self._heap:
            return None
        return self._buffers[self._heap[0][1]][0]

    def pop(self) -> Event:
        """Take what `peek` showed."""
        place = self._heap[0][1]
        buffer = self._buffers[place]
        event = buffer.popleft()
        if buffer:
            heapq.heapreplace(self._heap, (buffer[0].shard_seq, place, buffer[0].raw.offset))
            return event
        heapq.heappop(self._heap)
        if place in self._unread:
            self._starved.add(place)
        return event

    def heads(self) -> Iterator[tuple[Place, Event | None]]:
        """The next event of each partition; None behind its last one."""
        for place, buffer in self._buffers.items():
            yield place, buffer[0] if buffer else None
