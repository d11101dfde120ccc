"""What the log of a Java garbage collector says."""

from __future__ import annotations

import pytest

from tests.benchmarks.garbage import Collections, collections

LOG = """\
[0.009s] Using Serial
[1.250s] GC(0) Pause Young (Allocation Failure) 34M->9M(123M) 12.500ms
[5.500s] GC(1) Pause Full (Metadata GC Threshold) 52000K->12000K(123M) 20.250ms
[9.250s] GC(2) Pause Young (Allocation Failure) 44M->10M(123M) 2.250ms
[9.300s] GC(3) Concurrent Mark 1.000ms
"""


def test_pauses_are_counted_and_the_most_that_ever_remained_is_kept() -> None:
    found = collections(LOG.splitlines())
    assert (found.count, found.total_ms, found.longest_ms, found.seconds) == (3, 35.0, 20.25, 8.0)
    assert found.left_mb == pytest.approx(12.288)


def test_a_process_that_never_collected_has_nothing_to_tell() -> None:
    assert collections(LOG.splitlines()[:1]) == Collections()
