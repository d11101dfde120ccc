"""What the coordinator would know: its own fold over the log, which is what it decides with after a restart."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from msgspec import Struct

from schemas.envelope import LedgerRecord
from schemas.topics import REPORTS, REQUESTS
from streams.domain.decider import decide
from streams.domain.evolve import evolve
from streams.domain.policy import Policy
from streams.domain.state import ShardState
from tests.faults.checker.evidence import Position, UsageKey
from tests.faults.checker.records import Log

log = logging.getLogger(__name__)


class Standing(Struct, frozen=True, kw_only=True):
    """The state, and the inputs' offsets behind the last one that left a trace. `whole` is false if the fold failed."""

    state: ShardState = ShardState()
    requests_position: int = 0
    reports_position: int = 0
    whole: bool = True

    @property
    def usage(self) -> dict[UsageKey, tuple[int, int]] | None:
        """(used, reserved) by account, resource and day."""
        return {key: (usage.used, usage.reserved) for key, usage in self.state.usage.items()} if self.whole else None


def fold(records: Log, policy: Policy, shard: int = 0) -> Standing:
    """Fold the ledger as a restart does. A record that cannot follow ends it; the checks name that record."""
    state, requests, reports, whole = ShardState(), 0, 0, True
    for logged in records.ledger(shard):
        assert isinstance(logged.record, LedgerRecord)
        stamp = logged.record.stamp
        requests, reports = max(requests, stamp.requests_position), max(reports, stamp.reports_position)
        if not whole:
            continue
        try:
            state = evolve(state, logged.record, policy)
        except (KeyError, ValueError, TypeError, AssertionError) as error:
            log.warning("the coordinator could not go on at %s: %r", logged.ref, error)
            whole = False
    return Standing(state=state, requests_position=requests, reports_position=reports, whole=whole)


def positions(records: Log, standing: Standing, policy: Policy, shard: int = 0) -> list[Position]:
    """How far the coordinator is in its inputs."""
    inputs = {REQUESTS.name: standing.requests_position, REPORTS.name: standing.reports_position}
    found = []
    for topic, position in inputs.items():
        end = records.ends().get((topic, shard), 0)
        read = _first_that_matters(records, standing, policy, topic, position, end, shard) if position < end else end
        found.append(Position(reader="coordinator", topic=topic, partition=shard, position=read, end=end))
    return found


def _first_that_matters(
    records: Log, standing: Standing, policy: Policy, topic: str, position: int, end: int, shard: int
) -> int:
    """Offset of the first input from `position` on that calls for an event: others are read without leaving a trace."""
    now = datetime.now(UTC)
    for logged in records.records(topic, shard):
        if logged.raw.offset >= position and (
            logged.record is None or decide(standing.state, logged.record, now, policy)
        ):
            return logged.raw.offset
    return end
