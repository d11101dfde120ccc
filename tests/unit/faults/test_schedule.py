"""The order of faults comes from the seed alone, and everything has its turn."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.crash_points import POINTS
from tests.faults.harness.schedule import CRASH, FAULTS, KILL, OTHERS, OUTAGE, VICTIMS, Fault, schedule

PRINTED = (
    "from itertools import islice; from tests.faults.harness.schedule import schedule; "
    "print(*map(repr, islice(schedule(7, long=True), 200)), sep='\\n')"
)


def first_kills(seed: int, kills: int) -> list[Fault]:
    """The faults until so many kills."""
    found, count = [], 0
    for fault in schedule(seed):
        if count == kills:
            break
        found.append(fault)
        count += fault.deadly
    return found


def test_a_seed_means_the_same_faults_in_every_process() -> None:
    def printed(hash_seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", PRINTED], capture_output=True, text=True, check=True, env=environment
        )
        return done.stdout

    assert printed("1") == printed("2")


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_another_seed_means_other_faults(one: int, other: int) -> None:
    same = list(islice(schedule(one), 40)) == list(islice(schedule(other), 40))
    assert same == (one == other)


@given(st.integers(0, 2**40))
def test_fifty_one_kills_meet_every_fault_every_victim_and_every_crash_point(seed: int) -> None:
    faults = first_kills(seed, 51)
    assert {fault.kind for fault in faults} == {KILL, CRASH, *OTHERS}
    assert {fault.target for fault in faults if fault.kind == KILL} == set(VICTIMS)
    assert {fault.target for fault in faults if fault.kind == CRASH} == set(POINTS)


@given(st.integers(0, 2**40))
def test_faults_are_numbered_and_their_times_bounded(seed: int) -> None:
    faults = list(islice(schedule(seed, long=True), 300))
    assert [fault.number for fault in faults] == list(range(300))
    assert all(0.2 <= fault.pause <= 1.2 for fault in faults)
    assert all(0 <= fault.lasts <= 15 for fault in faults if fault.kind != OUTAGE)
    assert [fault.lasts for fault in faults if fault.kind == OUTAGE] == [60.0]


def test_a_short_run_has_no_long_outage() -> None:
    assert all(fault.kind != OUTAGE for fault in islice(schedule(3), 2_000))


@given(st.integers(0, 2**40), st.sets(st.sampled_from(sorted(set(FAULTS) - {OUTAGE}))))
def test_only_chosen_faults_come(seed: int, chosen: set[str]) -> None:
    chosen |= {KILL}
    assert {fault.kind for fault in islice(schedule(seed, chosen), 200)} == chosen


@pytest.mark.parametrize("chosen", [{"kill", "nonsense"}, {"poison"}, set()], ids=["unknown", "no kills", "none"])
def test_a_choice_that_makes_no_run_is_refused(chosen: set[str]) -> None:
    with pytest.raises(ValueError, match="faults"):
        next(schedule(1, chosen))
