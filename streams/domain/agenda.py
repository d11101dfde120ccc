"""What is due when: a persistent binary heap, so that asking for the earliest entry never looks at the others."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from immutables import Map
from msgspec import Struct

from streams.domain.queue import StageKey

Entry = tuple[datetime, StageKey]


class Agenda(Struct, frozen=True, kw_only=True):
    """Times by key, one a key. `heap` is the heap's array by index from 0, `places` where each key lies in it."""

    heap: Map[int, Entry] = Map()
    places: Map[StageKey, int] = Map()

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, key: object) -> bool:
        return key in self.places

    @property
    def first(self) -> Entry | None:
        """The earliest entry."""
        return self.heap.get(0)

    def add(self, key: StageKey, at: datetime) -> Agenda:
        """Put a key in, or move it to another time."""
        others = self.remove(key)
        return _settled(others, len(others), (at, key))

    def remove(self, key: StageKey) -> Agenda:
        """Take a key out; one that is not there changes nothing."""
        place = self.places.get(key)
        if place is None:
            return self
        end = len(self.places) - 1
        moved = self.heap[end]
        shorter = Agenda(heap=self.heap.delete(end), places=self.places.delete(key))
        return shorter if place == end else _settled(shorter, place, moved)

    def due(self, now: datetime) -> list[Entry]:
        """Everything due by `now`, earliest first; costs no more than there is of it."""
        found: list[Entry] = []
        open_places = [0]
        while open_places:
            place = open_places.pop()
            entry = self.heap.get(place)
            if entry is not None and entry[0] <= now:
                found.append(entry)
                open_places += [2 * place + 1, 2 * place + 2]
        return sorted(found)


def _settled(agenda: Agenda, place: int, entry: Entry) -> Agenda:
    """The entry put at a free place and moved up or down to where it belongs."""
    heap, places = agenda.heap.mutate(), agenda.places.mutate()
    while place > 0 and entry < (above := heap[(place - 1) // 2]):
        heap[place] = above
        places[above[1]] = place
        place = (place - 1) // 2
    while (below := _least(heap, place)) is not None and heap[below] < entry:
        heap[place] = heap[below]
        places[heap[below][1]] = place
        place = below
    heap[place] = entry
    places[entry[1]] = place
    return Agenda(heap=heap.finish(), places=places.finish())


class _Heap(Protocol):
    """A heap's array while it is being changed."""

    def get(self, key: int) -> Entry | None: ...


def _least(heap: _Heap, place: int) -> int | None:
    """The lesser of the two places below, as far as they are taken."""
    left, right = heap.get(2 * place + 1), heap.get(2 * place + 2)
    if left is None:
        return None
    return 2 * place + 2 if right is not None and right < left else 2 * place + 1
