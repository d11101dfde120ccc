"""The log as evidence: committed records of every topic, kept as bytes and decoded when they are looked at."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from msgspec import Struct

from schemas.envelope import LedgerRecord, Record
from schemas.errors import ContractError
from schemas.requests import Request
from schemas.serde import Codec
from schemas.topics import DEAD_LETTERS, LEDGER_TOPICS
from tests.faults.checker.violations import EventRef

Place = tuple[str, int]
_IDS = ("task_id", "stage_id", "attempt", "device_id", "epoch", "request_id", "asset_id", "character_id", "resource")


class Raw(Struct, frozen=True, array_like=True, gc=False):
    """One committed record as it lies in a partition."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] = []


class Logged(Struct, frozen=True):
    """A record with its place; `record` is None when it cannot be decoded, and `error` says why."""

    topic: str
    partition: int
    raw: Raw
    record: Record | None
    error: str = ""

    @property
    def ref(self) -> EventRef:
        """The record as violations name it."""
        ids = {}
        if self.record is not None:
            about: Any = self.record.request if isinstance(self.record, Request) else self.record
            ids = {name: str(value) for name in _IDS if (value := getattr(about, name, ""))}
            if account := self.record.envelope.account_id:
                ids["account_id"] = account
        kind = type(self.record).__name__ if self.record is not None else ""
        return EventRef(topic=self.topic, partition=self.partition, offset=self.raw.offset, type=kind, ids=ids)


class Source(Protocol):
    """Records of one partition in order, read anew for every pass."""

    def __iter__(self) -> Iterator[Raw]: ...
    def __len__(self) -> int: ...


class Log:
    """Committed records by partition, each in order of offsets. A source is read anew for every pass.

    `codec` must know every schema id that occurs. `unreadable` holds the records, by topic, partition and offset, that a
    pass met and could not decode.
    """

    def __init__(self, codec: Codec, sources: Mapping[Place, Source]) -> None:
        self.codec = codec
        self.sources = dict(sources)
        self.unreadable: dict[tuple[str, int, int], Logged] = {}
        self._ends: dict[Place, int] | None = None

    def __len__(self) -> int:
        """How many records there are in all topics."""
        return sum(map(len, self.sources.values()))

    def ends(self) -> dict[Place, int]:
        """The offset behind the last record of each partition; a marker of a transaction is no record."""
        if self._ends is None:
            self._ends = {
                place: max((raw.offset for raw in raws), default=-1) + 1 for place, raws in self.sources.items()
            }
        return self._ends

    def records(self, topic: str, partition: int | None = None) -> Iterator[Logged]:
        """The records of a topic, partition after partition."""
        for place in sorted(self.sources):
            if place[0] == topic and partition in (None, place[1]):
                for raw in self.sources[place]:
                    yield self._logged(place, raw)

    def ledger(self, shard: int = 0) -> Iterator[Logged]:
        """Everything a coordinator wrote, over all topics in order of `shard_seq`; undecodable records are left out."""
        names = {topic.name: topic.partitions for topic in LEDGER_TOPICS}
        places = [p for p in sorted(self.sources) if p[0] in names and (names[p[0]] == "slots" or p[1] == shard)]
        return heapq.merge(*(self._stamped(place) for place in places), key=_shard_seq)

    def letters(self) -> Iterator[Logged]:
        """The dead letters, whose bytes are nobody's contract and stay as they are."""
        for (topic, partition), raws in self.sources.items():
            if topic == DEAD_LETTERS.name:
                for raw in raws:
                    yield Logged(topic, partition, raw, None)

    def at(self, place: tuple[str, int, int]) -> Logged | None:
        """One record, found by walking through its partition."""
        topic, partition, offset = place
        found = (raw for raw in self.sources.get((topic, partition), ()) if raw.offset == offset)
        return next((self._logged((topic, partition), raw) for raw in found), None)

    def _stamped(self, place: Place) -> Iterator[Logged]:
        for raw in self.sources[place]:
            logged = self._logged(place, raw)
            if isinstance(logged.record, LedgerRecord):
                yield logged

    def _logged(self, place: Place, raw: Raw) -> Logged:
        topic, partition = place
        try:
            return Logged(topic, partition, raw, self.codec.decode(raw.value, topic))
        except ContractError as error:
            bad = Logged(topic, partition, raw, None, str(error))
            return self.unreadable.setdefault((topic, partition, raw.offset), bad)


def _shard_seq(logged: Logged) -> int:
    assert isinstance(logged.record, LedgerRecord)
    return logged.record.stamp.shard_seq
