"""A window of the log as a witness about rows, whatever lies before and after it."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.drift.judging import drifted, limits_of, tasks_of, usage_of
from projections.folds.tasks import apply_task
from schemas.envelope import LedgerRecord
from schemas.quotas import QuotaLimitChanged
from tests.unit.projections.ledger import Ledger

ACCOUNTS = ("ann", "bob")


def interleaved(seed: int) -> list[LedgerRecord]:
    """Six pictures and some limits, their events in a random order that keeps each history's own."""
    chance, ledger = random.Random(seed), Ledger()
    histories: list[list[Any]] = [ledger.image(f"t{n}", ACCOUNTS[n % 2]) for n in range(6)]
    histories += [
        [ledger.stamp(QuotaLimitChanged(resource="images", limit=n), name, name) for n in range(3)] for name in ACCOUNTS
    ]
    order = [n for n, history in enumerate(histories) for _ in history]
    chance.shuffle(order)
    left = [iter(history) for history in histories]
    events = [next(left[n]) for n in order]
    return [replace(e, stamp=replace(e.stamp, shard_seq=n)) for n, e in enumerate(events, 1)]


def stored(events: list[LedgerRecord]) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any]]:
    """The rows after all events."""
    tasks: dict[Any, Any] = {}
    for event in events:
        if hasattr(event, "task_id") and not hasattr(event, "resource"):
            tasks[event.task_id,] = replace(apply_task(tasks.get((event.task_id,)), event), results={})  # type: ignore[arg-type]
    usage = {key: found.row for key, found in usage_of(events).items()}
    return tasks, usage, {key: found.row for key, found in limits_of(events).items()}


@given(st.integers(0, 10_000), st.data())
def test_right_rows_never_drift_and_a_changed_one_does(seed: int, data: st.DataObject) -> None:
    events = interleaved(seed)
    start = data.draw(st.integers(0, len(events) - 1))
    window = events[start : data.draw(st.integers(start, len(events)))]
    for judge, rows in zip((tasks_of, usage_of, limits_of), stored(events), strict=True):
        expected = judge(window)
        assert drifted(expected, rows) == {}
        for key, found in expected.items():
            assert drifted(expected, {k: row for k, row in rows.items() if k != key}) == {key: ["missing"]}
            assert drifted(expected, rows | {key: replace(rows[key], shard_seq=0)}) == {key: ["shard_seq"]}
            if found.row is not None and found.shard_seq == rows[key].shard_seq:
                changed = replace(rows[key], account_id="somebody else")
                assert drifted(expected, rows | {key: changed}) == {key: ["account_id"]}


def test_the_whole_log_is_a_witness_about_every_row() -> None:
    events = interleaved(1)
    tasks, usage, limits = stored(events)
    for judge, rows in ((tasks_of, tasks), (usage_of, usage), (limits_of, limits)):
        expected = judge(events)
        assert expected.keys() == rows.keys()
        assert all(found.row == rows[key] for key, found in expected.items())
