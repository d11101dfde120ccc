"""I6: the numbers, hashes and times of the ledger."""

from __future__ import annotations

from collections import Counter

from schemas.envelope import EPOCH, LedgerRecord
from schemas.serde import Codec
from schemas.topics import DECISIONS
from streams.ledger import GENESIS, TERMINAL
from tests.faults.checker.records import Logged, Place
from tests.faults.checker.violations import EventRef, Findings


class Chain:
    """Folds records in order of `shard_seq`. A record out of its place is reported and does not move the numbers."""

    def __init__(self, findings: Findings, codec: Codec) -> None:
        self._fail = findings
        self._codec = codec
        self._number = 0
        self._hash = GENESIS
        self._time = EPOCH
        self._last: Logged | None = None
        self._partitions: Counter[Place] = Counter()
        self._offsets: dict[Place, int] = {}
        self._accounts: Counter[str] = Counter()
        self._aggregates: dict[str, int] = {}

    def fold(self, logged: Logged, record: LedgerRecord) -> None:
        """Check one record of the ledger."""
        self._fail.checked["I6"] += 1
        stamp, expected = record.stamp, self._number + 1
        if stamp.shard_seq < expected:
            text = f"shard_seq {stamp.shard_seq} was taken before, {expected} must follow"
            self._fail.add("I6", text, logged.ref, self._before)
            return
        if stamp.shard_seq > expected:
            text = f"shard_seq {expected} to {stamp.shard_seq - 1} are missing"
            self._fail.add("I6", text, self._before, logged.ref)
        elif stamp.prev_hash != self._hash:
            self._fail.add("I6", f"the chain breaks at shard_seq {stamp.shard_seq}", self._before, logged.ref)
        self._partition(logged, record)
        self._aggregate(logged, record)
        if record.envelope.occurred_at <= self._time:
            self._fail.add("I6", "occurred_at does not grow", self._before, logged.ref)
        self._time = max(self._time, record.envelope.occurred_at)
        self._number, self._last = stamp.shard_seq, logged
        self._hash = self._codec.ledger_hash(stamp.prev_hash, logged.raw.value or b"")

    @property
    def _before(self) -> EventRef | None:
        return self._last.ref if self._last is not None else None

    def _partition(self, logged: Logged, record: LedgerRecord) -> None:
        place, found = (logged.topic, logged.partition), record.stamp.partition_seq
        expected = self._partitions[place] + 1
        if found != expected:
            self._fail.add("I6", f"partition_seq {found} where {expected} must follow", logged.ref)
        if logged.raw.offset <= self._offsets.get(place, -1):
            self._fail.add("I6", "offset and shard_seq disagree about the order", logged.ref)
        self._partitions[place] = found
        self._offsets[place] = logged.raw.offset

    def _aggregate(self, logged: Logged, record: LedgerRecord) -> None:
        envelope = record.envelope
        if (found := record.stamp.account_seq) != 0:
            expected = self._accounts[envelope.account_id] + 1
            if found != expected:
                self._fail.add("I6", f"account_seq {found} where {expected} must follow", logged.ref)
            self._accounts[envelope.account_id] = found
        name = f"{logged.topic}:{envelope.aggregate_id}"
        expected = self._aggregates.get(name, 0) + 1
        if envelope.sequence != expected:
            self._fail.add("I6", f"sequence {envelope.sequence} where {expected} must follow", logged.ref)
        if isinstance(record, TERMINAL):
            self._aggregates.pop(name, None)
        elif logged.topic != DECISIONS.name:
            self._aggregates[name] = envelope.sequence
