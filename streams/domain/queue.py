"""The ready queue: highest priority first, fair among accounts within a priority, first come first served within an account.

Persistent: every operation returns a new queue that shares structure with the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from immutables import Map
from msgspec import Struct

StageKey = tuple[str, str]  # (task_id, stage_id)
LOOK_AHEAD = 32  # how far past an account's head a device may look for work it can do


class Lane(Struct, frozen=True, kw_only=True):
    """One account's stages in one priority, by arrival; removed entries leave holes that the head skips."""

    items: Map[int, StageKey] = Map()
    head: int = 0
    tail: int = 0

    def in_order(self) -> Iterator[StageKey]:
        """Stages from the head on."""
        for position in range(self.head, self.tail):
            item = self.items.get(position)
            if item is not None:
                yield item


class ReadyQueue(Struct, frozen=True, kw_only=True):
    """Stages that can run now."""

    lanes: Map[int, Map[str, Lane]] = Map()
    places: Map[StageKey, tuple[int, str, int]] = Map()

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, key: object) -> bool:
        return key in self.places

    def add(self, key: StageKey, priority: int, account_id: str) -> ReadyQueue:
        """Put a stage at the end of its account's lane; one that is there already stays where it is."""
        if key in self.places:
            return self
        accounts = self.lanes.get(priority, Map())
        lane = accounts.get(account_id, Lane())
        grown = Lane(items=lane.items.set(lane.tail, key), head=lane.head, tail=lane.tail + 1)
        return ReadyQueue(
            lanes=self.lanes.set(priority, accounts.set(account_id, grown)),
            places=self.places.set(key, (priority, account_id, lane.tail)),
        )

    def remove(self, key: StageKey) -> ReadyQueue:
        """Take a stage out; one that is not there changes nothing."""
        place = self.places.get(key)
        if place is None:
            return self
        priority, account_id, position = place
        accounts = self.lanes[priority]
        lane = _without(accounts[account_id], position)
        accounts = accounts.delete(account_id) if lane is None else accounts.set(account_id, lane)
        lanes = self.lanes.set(priority, accounts) if accounts else self.lanes.delete(priority)
        return ReadyQueue(lanes=lanes, places=self.places.delete(key))

    def pick(self, last_served: Map[str, int], fits: Callable[[StageKey], bool]) -> StageKey | None:
        """The next stage for a device: the best priority that has one that fits, then the account served longest ago."""
        for priority in sorted(self.lanes, reverse=True):
            accounts = self.lanes[priority]
            for account_id in sorted(accounts, key=lambda account: (last_served.get(account, 0), account)):
                for ahead, key in enumerate(accounts[account_id].in_order()):
                    if ahead >= LOOK_AHEAD:
                        break
                    if fits(key):
                        return key
        return None

    def by_arrival(self) -> Iterator[Iterator[StageKey]]:
        """All stages, lane by lane, in each the one that came first before the others."""
        return (lane.in_order() for accounts in self.lanes.values() for lane in accounts.values())


def _without(lane: Lane, position: int) -> Lane | None:
    items = lane.items.delete(position)
    if not items:
        return None
    head = lane.head
    while head not in items:
        head += 1
    return Lane(items=items, head=head, tail=lane.tail)
