"""Records as they lie on the log, and what an audit finds out about them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from msgspec import Struct, field

from schemas.envelope import LedgerRecord
from schemas.topics import TOPIC_OF, TopicSpec

Place = tuple[str, int]
"""Topic, partition."""

MOST = 1_000  # findings that are kept; the rest is counted


class Shard(Struct, frozen=True):
    """Which ledger is audited: shard `number` of `of`. Each has a chain, numbers and checkpoints of its own."""

    number: int = 0
    of: int = 1


ONLY = Shard()


class Raw(Struct, frozen=True, gc=False):
    """One committed record."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def place(self) -> Place:
        """The partition it lies in."""
        return (self.topic, self.partition)

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


class Event(Struct, frozen=True, gc=False):
    """A record of the ledger with its ledger hash (32 bytes) and its number in the shard."""

    raw: Raw
    record: LedgerRecord
    digest: bytes
    shard_seq: int

    @property
    def occurred_at(self) -> datetime:
        """When it happened."""
        return self.record.envelope.occurred_at

    @property
    def topic(self) -> TopicSpec:
        """Its topic as the catalogue describes it."""
        return TOPIC_OF[type(self.record)]

    def __str__(self) -> str:
        return f"{self.raw} {type(self.record).__name__} shard_seq {self.shard_seq}"


class Finding(Struct, frozen=True, kw_only=True):
    """Something that is wrong at one place. `type` is "" and `shard_seq` 0 where they cannot be told; `rule` is stable."""

    topic: str
    partition: int
    offset: int
    rule: str
    message: str
    type: str = ""
    shard_seq: int = 0

    def __str__(self) -> str:
        known = f" {self.type}" if self.type else ""
        number = f" shard_seq {self.shard_seq}" if self.shard_seq else ""
        return f"{self.topic}[{self.partition}]@{self.offset}{known}{number}: {self.message} [{self.rule}]"


class Findings(Struct, kw_only=True):
    """The first `MOST` findings, how many there are of each rule and topic."""

    kept: list[Finding] = []
    rules: Counter[str] = field(default_factory=Counter)
    topics: Counter[str] = field(default_factory=Counter)

    def about(self, about: Event | Raw, rule: str, message: str) -> None:
        """Something is wrong with a record."""
        raw = about.raw if isinstance(about, Event) else about
        kind = type(about.record).__name__ if isinstance(about, Event) else _claimed_type(raw)
        number = about.shard_seq if isinstance(about, Event) else 0
        self.at(raw.place, raw.offset, rule, message, kind, number)

    def at(self, place: Place, offset: int, rule: str, message: str, kind: str = "", shard_seq: int = 0) -> None:
        """Something is wrong at a place, where a record may be missing."""
        self.rules[rule] += 1
        self.topics[place[0]] += 1
        if len(self.kept) < MOST:
            where = Finding(
                topic=place[0],
                partition=place[1],
                offset=offset,
                rule=rule,
                message=message,
                type=kind,
                shard_seq=shard_seq,
            )
            self.kept.append(where)

    def __len__(self) -> int:
        return self.rules.total()


def _claimed_type(raw: Raw) -> str:
    """The type that the headers claim, if it can be printed."""
    claimed = dict(raw.headers).get("ce_type", b"").decode("utf-8", "replace").rpartition(".")[2]
    return claimed if claimed.isidentifier() and claimed.isascii() else ""
