"""The decider of a shard: `decide` turns one input into events, `follow_up` adds what the state calls for, `evolve` folds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec.structs import replace

from schemas.envelope import LedgerRecord, Record
from schemas.render import DeviceJoined, DeviceLeft, StageReport
from schemas.requests import Request
from streams.domain import admission, devices, outcomes, placement
from streams.domain.devices import LeaseLapsed
from streams.domain.evolve import evolve
from streams.domain.policy import Policy
from streams.domain.state import ShardState

Input = Record | LeaseLapsed
RULES: tuple[Callable[[ShardState, datetime, Policy], list[LedgerRecord]], ...] = (
    placement.reclaim,
    placement.expire,
    placement.starve,
    placement.place,
)
"""What a state may call for, in this order: a later rule never makes an earlier one apply again."""


def decide(state: ShardState, event: Input, now: datetime, policy: Policy) -> list[LedgerRecord]:
    """Decide one input at the time `now` (UTC). Pure: the same arguments give the same events."""
    match event:
        case Request():
            return admission.decide_request(state, event, now, policy)  # type: ignore[arg-type]
        case StageReport():
            return outcomes.decide_outcome(state, event, now, policy)
        case DeviceJoined():
            return devices.decide_join(state, event, policy)
        case DeviceLeft():
            return devices.decide_leave(state, event)
        case LeaseLapsed():
            return devices.decide_lapse(state, event)
        case _:
            raise TypeError(f"{type(event).__name__} is no input of the coordinator")


def follow_up(state: ShardState, now: datetime, policy: Policy) -> list[LedgerRecord]:
    """One more step the state calls for, or nothing. Call again with the folded state until nothing comes."""
    return next((events for rule in RULES if (events := rule(state, now, policy))), [])


def run(
    state: ShardState, event: Input | None, now: datetime, policy: Policy
) -> Iterator[tuple[LedgerRecord, ShardState]]:
    """Decide and follow up on drafts alone, without a ledger; yields each event with the state after it (for tests)."""
    events = decide(state, event, now, policy) if event is not None else []
    while True:
        for drafted in events:
            timed = replace(drafted, envelope=replace(drafted.envelope, occurred_at=now))
            state = evolve(state, timed, policy)
            yield timed, state
        events = follow_up(state, now, policy)
        if not events:
            return
