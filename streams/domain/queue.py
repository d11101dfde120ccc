"""The ready queue: highest priority first, fair among accounts within a priority, first come first served within an account.

Persistent: every operation returns a new queue that shares structure with the old one. An account's stages are kept by
engine, so that a device finds the first one that it can do without looking at the others.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Iterator

from immutables import Map
from msgspec import Struct

StageKey = tuple[str, str]  # (task_id, stage_id)
Waiting = tuple[int, StageKey]  # number of arrival, stage
LOOK_BEHIND = 32  # places behind the head of a lane that are looked at when the head is refused


class Lane(Struct, frozen=True, kw_only=True):
    """One account's stages of one engine in one priority, by arrival; removed ones leave holes that the head skips."""

    items: Map[int, Waiting] = Map()
    head: int = 0
    tail: int = 0

    @property
    def first(self) -> Waiting:
        """The stage that came first."""
        return self.items[self.head]

    def first_that(self, fits: Callable[[StageKey], bool]) -> Waiting | None:
        """The first stage that fits, of those near the head."""
        near = range(self.head, min(self.tail, self.head + LOOK_BEHIND))
        return next((item for place in near if (item := self.items.get(place)) is not None and fits(item[1])), None)


Lanes = Map[str, Lane]  # by engine


class ReadyQueue(Struct, frozen=True, kw_only=True):
    """Stages that can run now. `lanes` by priority and account, `waiting` counts by engine, `arrivals` numbers them."""

    lanes: Map[int, Map[str, Map[str, Lane]]] = Map()
    places: Map[StageKey, tuple[int, str, str, int]] = Map()
    waiting: Map[str, int] = Map()
    arrivals: int = 0

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, key: object) -> bool:
        return key in self.places

    def add(self, key: StageKey, priority: int, account_id: str, engine: str) -> ReadyQueue:
        """Put a stage at the end of its account's work; one that is there already stays where it is."""
        if key in self.places:
            return self
        accounts = self.lanes.get(priority, Map())
        lanes = accounts.get(account_id, Map())
        lane = lanes.get(engine, Lane())
        items = lane.items.set(lane.tail, (self.arrivals, key))
        grown = lanes.set(engine, Lane(items=items, head=lane.head, tail=lane.tail + 1))
        return ReadyQueue(
            lanes=self.lanes.set(priority, accounts.set(account_id, grown)),
            places=self.places.set(key, (priority, account_id, engine, lane.tail)),
            waiting=self.waiting.set(engine, self.waiting.get(engine, 0) + 1),
            arrivals=self.arrivals + 1,
        )

    def remove(self, key: StageKey) -> ReadyQueue:
        """Take a stage out; one that is not there changes nothing."""
        place = self.places.get(key)
        if place is None:
            return self
        priority, account_id, engine, position = place
        accounts = self.lanes[priority]
        lanes = accounts[account_id]
        lane = _without(lanes[engine], position)
        lanes = lanes.delete(engine) if lane is None else lanes.set(engine, lane)
        accounts = accounts.set(account_id, lanes) if lanes else accounts.delete(account_id)
        left = self.waiting[engine] - 1
        return ReadyQueue(
            lanes=self.lanes.set(priority, accounts) if accounts else self.lanes.delete(priority),
            places=self.places.delete(key),
            waiting=self.waiting.set(engine, left) if left else self.waiting.delete(engine),
            arrivals=self.arrivals,
        )

    def serves(self, engines: Container[str]) -> bool:
        """Whether anything waits for one of the engines."""
        return any(engine in engines for engine in self.waiting)

    def oldest(self, engine: str) -> list[StageKey]:
        """The first stage of each lane of an engine, by arrival."""
        heads = [
            lanes[engine].first for accounts in self.lanes.values() for lanes in accounts.values() if engine in lanes
        ]
        return [key for _, key in sorted(heads)]


def by_turn(accounts: Map[str, Lanes], last_served: Map[str, int]) -> Iterator[Lanes]:
    """The lanes of the accounts of one priority, of the account served longest ago first."""
    turns = [(last_served.get(account_id, 0), account_id) for account_id in accounts]
    heapq.heapify(turns)
    while turns:
        yield accounts[heapq.heappop(turns)[1]]


def first_of(
    lanes: Lanes, engines: Container[str], fits: Callable[[StageKey], bool] = lambda _: True
) -> StageKey | None:
    """The account's stage for one of the engines that came first and fits."""
    found = (lane.first_that(fits) for engine, lane in lanes.items() if engine in engines)
    return min((item for item in found if item is not None), default=(0, None))[1]


def _without(lane: Lane, position: int) -> Lane | None:
    items = lane.items.delete(position)
    if not items:
        return None
    head = lane.head
    while head not in items:
        head += 1
    return Lane(items=items, head=head, tail=lane.tail)
