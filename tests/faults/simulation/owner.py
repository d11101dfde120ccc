"""The owner of the shard without IO: recovers from the log, decides batches, commits them whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from schemas.envelope import LedgerRecord
from schemas.serde import HEADER, Codec, chain_hash
from schemas.topics import TOPIC_OF
from streams import ledger
from streams.domain import decider
from streams.domain.devices import LeaseLapsed
from streams.domain.evolve import evolve as product_evolve
from streams.domain.policy import Policy
from streams.domain.state import ShardState
from tests.faults.simulation.log import MemoryLog, Transaction

Decide = Callable[[ShardState, decider.Input, datetime, Policy], list[LedgerRecord]]
Evolve = Callable[[ShardState, LedgerRecord, Policy], ShardState]
FollowUp = Callable[[ShardState, datetime, Policy], list[LedgerRecord]]
CODEC = Codec({record.__name__: number for number, record in enumerate(TOPIC_OF, start=1)})
LEASE_S = 10.0  # seconds without a heartbeat after which a lease lapses

POLICY = Policy(
    retry_wait=timedelta(seconds=2),
    retry_wait_max=timedelta(seconds=20),
    credit_max=3,
    max_device_losses=4,
    slots=4,
    models_held=1,
    heavy=frozenset({"sketch"}),
    results_kept=5,
)


class Rules(Struct, frozen=True, kw_only=True):
    """The decider under test; planted bugs replace one of its parts."""

    decide: Decide = decider.decide
    evolve: Evolve = product_evolve
    follow_ups: Sequence[FollowUp] = decider.RULES
    policy: Policy = POLICY


class Fold:
    """State and heads as of what was read of the log, as a warm standby holds them."""

    def __init__(self, rules: Rules) -> None:
        self.state = ShardState()
        self.heads = ledger.Heads()
        self._rules = rules
        self._read = 0

    def catch_up(self, log: MemoryLog, *, from_bytes: bool = False) -> None:
        """Fold what was committed since; `from_bytes` reads the records from their bytes, as another process would."""
        for entry in log.entries[self._read :]:
            record = CODEC.decode_as(entry.value, LedgerRecord) if from_bytes else entry.record
            heads = ledger.absorb(self.heads, entry.topic, entry.partition, record)
            body = entry.value[HEADER.size :]
            self.heads = replace(heads, prev_hash=chain_hash(record.stamp.prev_hash, type(record), body))
            self.state = self._rules.evolve(self.state, record, self._rules.policy)
        self._read = len(log.entries)


class Owner:
    """One life of an owner. What it read without writing anything is read again by the next one."""

    def __init__(self, log: MemoryLog, standby: Fold, rules: Rules) -> None:
        self._log = log
        self._rules = rules
        self._generation = log.open_producer()
        standby.catch_up(log)
        self.state, self.heads = standby.state, standby.heads
        self._heard: dict[tuple[str, int], float] = {}
        self._entries: list[ledger.Entry] = []

    def hear(self, device_id: str, epoch: int, at: float) -> None:
        """A heartbeat, at the monotonic time `at`."""
        self._heard[device_id, epoch] = at

    def lapses(self, at: float) -> list[LeaseLapsed]:
        """Leases without a heartbeat for too long; a new owner starts all clocks anew."""
        found = []
        for device in self.state.live_devices():
            if at - self._heard.setdefault((device.device_id, device.epoch), at) > LEASE_S:
                found.append(LeaseLapsed(device_id=device.device_id, epoch=device.epoch))
        return sorted(found, key=lambda lapse: lapse.device_id)

    @property
    def behind(self) -> int:
        """Inputs not read yet."""
        read = self.heads.requests_position + self.heads.reports_position
        return len(self._log.requests) + len(self._log.reports) - read

    def decide(self, now: datetime, at: float, rng: Random, most: int) -> Transaction | None:
        """Read up to `most` inputs and decide them; nothing is visible before `commit`."""
        self._entries = []
        for lapse in self.lapses(at):
            self._append(self._rules.decide(self.state, lapse, now, self._rules.policy), "", now)
        for _ in range(min(most, self.behind)):
            self._take(now, rng)
        for rule in self._rules.follow_ups:
            while events := rule(self.state, now, self._rules.policy):
                self._append(events, "", now)
        return Transaction(now=now, entries=self._entries) if self._entries else None

    def commit(self, transaction: Transaction) -> None:
        """Make it visible; raises `FencedError` when another owner took over."""
        self._log.commit(self._generation, transaction)

    def _take(self, now: datetime, rng: Random) -> None:
        requests, reports = self.heads.requests_position, self.heads.reports_position
        more_reports = reports < len(self._log.reports)
        if requests < len(self._log.requests) and (not more_reports or rng.random() < 0.5):
            self.heads = replace(self.heads, requests_position=requests + 1)
            record: decider.Input = self._log.requests[requests]
        else:
            self.heads = replace(self.heads, reports_position=reports + 1)
            record = self._log.reports[reports]
        self._append(self._rules.decide(self.state, record, now, self._rules.policy), "cause", now)

    def _append(self, drafts: Sequence[LedgerRecord], cause: str, now: datetime) -> None:
        for drafted in drafts:
            self.heads, entry = ledger.append(self.heads, self.state, drafted, cause, now, CODEC)
            self.state = self._rules.evolve(self.state, entry.record, self._rules.policy)
            self._entries.append(entry)
