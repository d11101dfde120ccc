"""The numbers, hashes and times of the ledger, in order of `shard_seq`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct, field

from infra.audit.events import Event, Findings, Place
from infra.audit.records import GENESIS
from schemas.envelope import EPOCH
from schemas.tasks import TaskCancelled, TaskCompleted, TaskExpired, TaskFailed, TaskRejected
from schemas.topics import BY_NAME, DECISIONS

TERMINAL = (TaskRejected, TaskCompleted, TaskCancelled, TaskFailed, TaskExpired)
Heads = Iterable[tuple[Place, Event | None]]


class Start(Struct, frozen=True, kw_only=True):
    """Where to go on: last number, its hash, and of each partition the last number and the offset behind it."""

    number: int = 0
    head: bytes = GENESIS
    partitions: Mapping[Place, tuple[int, int]] = field(default_factory=dict)


class Chain:
    """Folds events. `begins` are the first offsets that each partition still holds; it goes on from `start`, or from the
    first event whichever that is (None). What an aggregate's numbers were before is unknown then, unless it is the beginning.

    Records that expired or were compacted away leave holes in `shard_seq`. Such a hole is believed when the partitions that
    may have lost records have as many holes of their own in `partition_seq`; anything else is missing.
    """

    def __init__(self, found: Findings, begins: Mapping[Place, int], start: Start | None) -> None:
        self.number = start.number if start else 0
        self.head: bytes | None = start.head if start else None
        self.last: Event | None = None
        self.compared = 0
        self.holes = 0
        places = start.partitions if start else {}
        self.partitions: dict[Place, int] = {place: number for place, (number, _) in places.items()}
        self.offsets: dict[Place, int] = {place: offset for place, (_, offset) in places.items()}
        self._found = found
        self._begins = begins
        self._anywhere = start is None
        self._partial = start is None or start.number > 0
        self._owed = 0
        self._time: datetime = EPOCH
        self._positions = (0, 0)
        self._accounts: dict[str, int] = {}
        self._aggregates: dict[str, int] = {}

    def fold(self, event: Event, heads: Heads) -> bool:
        """Check one event; `heads` are those that wait. False if it is out of its place and must not be folded further."""
        number = event.shard_seq
        if self.last is None and self._anywhere:
            self.number = number - 1
        if number <= self.number:
            self._found.about(event, "shard_seq", f"it comes after {self.number}: it is there twice or was moved")
            return False
        if number > self.number + 1:
            self._hole(event, number - self.number - 1, heads)
        elif self.head is not None:
            self.compared += 1
            if event.record.stamp.prev_hash != self.head:
                self._broken(event)
        self._partition(event)
        self._aggregate(event)
        self._times(event)
        self.number, self.head, self.last = number, event.digest, event
        return True

    def _broken(self, event: Event) -> None:
        before = f"the hash of {self.last}" if self.last is not None else "32 zero bytes"
        self._found.about(event, "chain", f"its prev_hash is not {before}: one of the two was changed")
        if self.last is not None:
            self._found.about(
                self.last, "chain", f"its hash is not the prev_hash of {event}: one of the two was changed"
            )

    def _hole(self, event: Event, missing: int, heads: Heads) -> None:
        """Numbers are missing before the event: what retention took must show in the partitions it took it from."""
        self._owed += missing
        self.holes += missing
        lost = self._lost(event.raw.place, event)
        for place, head in heads:
            if lost is None:
                break
            if place != event.raw.place:
                more = self._lost(place, head)
                lost = None if more is None else lost + more
        if lost is not None and self._owed > lost:
            first, last = self.number + 1, event.shard_seq - 1
            which = f"shard_seq {first}" if first == last else f"shard_seq {first} to {last}"
            self._found.about(event, "shard_seq", f"before it {which} must be: {self._owed - lost} missing")
            self._owed = lost

    def _lost(self, place: Place, head: Event | None) -> int | None:
        """How many records the partition has lost to its retention before `head`; None = nobody can tell."""
        if not self._may_lack(place):
            return 0
        if head is None:
            return 0 if BY_NAME[place[0]].compact else None
        if place not in self.partitions and self._anywhere:
            return None
        return max(0, head.record.stamp.partition_seq - self.partitions.get(place, 0) - 1)

    def _may_lack(self, place: Place) -> bool:
        """Compaction takes records anywhere, retention only those before the first offset that is still held."""
        topic = BY_NAME[place[0]]
        if topic.compact:
            return True
        if topic.retention_ms is None:
            return False
        unknown = self._anywhere and place not in self.partitions
        return unknown or self._begins.get(place, 0) > self.offsets.get(place, 0)

    def _partition(self, event: Event) -> None:
        place, number = event.raw.place, event.record.stamp.partition_seq
        expected = self.partitions.get(place, 0) + 1
        adopted = self._anywhere and place not in self.partitions
        if number < expected:
            self._found.about(event, "partition_seq", f"partition_seq {number} where {expected} must follow")
        elif number > expected and not adopted:
            lacking = number - expected
            if not self._may_lack(place):
                text = f"partition_seq {number} where {expected} must follow: {lacking} missing before it"
                self._found.about(event, "partition_seq", text)
            elif lacking > self._owed:
                text = f"partition_seq {number} follows {expected - 1}, but the shard lacks no such records"
                self._found.about(event, "partition_seq", text)
            self._owed = max(0, self._owed - lacking)
        self.partitions[place] = max(number, expected - 1)
        self.offsets[place] = event.raw.offset + 1

    def _aggregate(self, event: Event) -> None:
        envelope, account_seq = event.record.envelope, event.record.stamp.account_seq
        if account_seq:
            self._follows(event, "account_seq", self._accounts.get(envelope.account_id), account_seq)
            self._accounts[envelope.account_id] = account_seq
        name = f"{event.raw.topic}:{envelope.aggregate_id}"
        if not event.topic.compact or name in self._aggregates:
            self._follows(event, "sequence", self._aggregates.get(name), envelope.sequence)
        if isinstance(event.record, TERMINAL):
            self._aggregates.pop(name, None)
        elif event.topic is not DECISIONS:
            self._aggregates[name] = envelope.sequence

    def _follows(self, event: Event, rule: str, before: int | None, number: int) -> None:
        """A number counts on; it may jump where records may lack, and begin anywhere when the beginning was not read."""
        expected = (before or 0) + 1
        unknown = before is None and (self._partial or self._begins.get(event.raw.place, 0) > 0)
        lacks = event.topic.compact or unknown
        if number != expected and not (lacks and number > expected):
            self._found.about(event, rule, f"{rule} {number} where {expected} must follow")

    def _times(self, event: Event) -> None:
        if event.occurred_at <= self._time:
            self._found.about(event, "time", f"occurred_at {event.occurred_at.isoformat()} does not grow")
        stamp = event.record.stamp
        positions = (stamp.requests_position, stamp.reports_position)
        if positions[0] < self._positions[0] or positions[1] < self._positions[1]:
            self._found.about(event, "position", f"input positions {positions} fall behind {self._positions}")
        self._positions = (max(positions[0], self._positions[0]), max(positions[1], self._positions[1]))
        self._time = max(self._time, event.occurred_at)
