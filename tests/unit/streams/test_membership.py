"""Which coordinator gets the shard, and which members are seen to be dead."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise, permutations

from streams.membership import Rank, best_of, packed
from streams.neighbours import identity, is_dead_here

DECIDING = Rank(producer_id=7, producer_epoch=4, warmth=3)
RANKS = [
    Rank(producer_id=8, producer_epoch=0, warmth=3),
    DECIDING,
    Rank(producer_id=7, producer_epoch=3, warmth=3),
    Rank(warmth=3),
    Rank(warmth=2),
    Rank(warmth=1),
    Rank(),
]


def test_the_one_that_decides_stays_and_a_warm_one_goes_before_a_cold_one() -> None:
    for better, worse in pairwise(RANKS):
        for first, second in permutations((better, worse)):
            members = {"a": packed(first), "b": packed(second)}
            assert best_of(members) == ("a" if first == better else "b"), f"{better} against {worse}"


def test_equals_are_chosen_alike_by_everyone() -> None:
    assert best_of({"b": packed(Rank()), "a": packed(Rank())}) == "a"


def test_only_ended_processes_of_this_host_count_as_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = identity().rpartition("/")[0]
    try:
        assert not is_dead_here(identity())
        assert not is_dead_here(f"{name}/{child.pid}")
    finally:
        child.kill()
        child.wait()
    assert is_dead_here(f"{name}/{child.pid}")
    assert not is_dead_here(f"coordinator@elsewhere/{child.pid}")
    assert not is_dead_here(f"{name}/")
    assert not is_dead_here("some other client")
    assert str(os.getpid()) in identity()
