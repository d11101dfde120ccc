"""How a bug is planted: the arguments of `simulate` that replace a part of the decider."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from schemas.envelope import LedgerRecord
from streams.domain import decider
from streams.domain.decider import Input
from streams.domain.policy import Policy
from streams.domain.state import ShardState
from tests.faults.simulation.owner import FollowUp

Events = list[LedgerRecord]
Edit = Callable[[Events], Iterable[LedgerRecord]]


def edited(edit: Edit) -> dict[str, Any]:
    """A decider whose events, of decisions and follow-ups alike, go through `edit`."""

    def decide(state: ShardState, event: Input, now: datetime, policy: Policy) -> Events:
        return list(edit(decider.decide(state, event, now, policy)))

    def follow(rule: FollowUp, state: ShardState, now: datetime, policy: Policy) -> Events:
        return list(edit(rule(state, now, policy)))

    return {"decide": decide, "follow_ups": [partial(follow, rule) for rule in decider.RULES]}


def twice(kind: type[LedgerRecord]) -> dict[str, Any]:
    return edited(lambda events: [copy for e in events for copy in ([e, e] if isinstance(e, kind) else [e])])


def without(kind: type[LedgerRecord]) -> dict[str, Any]:
    return edited(lambda events: [e for e in events if not isinstance(e, kind)])


def rules(**replaced: FollowUp | None) -> dict[str, Any]:
    changed = [replaced.get(rule.__name__, rule) for rule in decider.RULES]
    return {"follow_ups": [rule for rule in changed if rule is not None]}
