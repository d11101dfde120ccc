"""Follow-ups look at what is due, not at everything that waits: counted in calls, as times depend on the machine."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest

from schemas.common import Tier
from streams.domain.decider import follow_up
from streams.domain.policy import Policy
from tests.deciding import Shard

ACCOUNTS = 20


def _waiting(tasks: int, engine: str = "null") -> Shard:
    """A shard with so many waiting tasks, all with deadlines, and a device that is busy or cannot do them."""
    shard = Shard(Policy(credit_max=1))
    for number in range(ACCOUNTS):
        shard.user(f"user-{number}", tier=Tier.VIP)
    shard.device(engines=["null"])
    shard.images("running", account="user-0")
    for number in range(tasks):
        deadline = shard.now + timedelta(hours=1 + number % 7)
        shard.images(f"t{number}", account=f"user-{number % ACCOUNTS}", deadline=deadline, engine=engine)
    return shard


def _calls(shard: Shard) -> int:
    """How many functions one round of follow-ups calls, and one that gives the device something to do."""
    count = 0

    def on_call(_frame: object, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(on_call)
    try:
        follow_up(shard.state, shard.now, shard.policy)
        shard.succeeds("running") if "running" in shard.state.tasks else shard.when(None)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(("engine", "later"), [("null", 0), ("null", 400), ("instantid", 0), ("instantid", 200)])
def test_work_does_not_grow_with_what_waits(engine: str, later: int) -> None:
    counts = []
    for tasks in (100, 2_000):
        shard = _waiting(tasks, engine)
        shard.now += timedelta(seconds=later)
        counts.append(_calls(shard))
    few, many = counts
    assert many < 2 * few, counts
