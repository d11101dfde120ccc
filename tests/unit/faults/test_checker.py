"""The checker of the invariants: a clean log gives nothing, every planted violation is found and named."""

from __future__ import annotations

import pytest

from tests.faults.checker import check
from tests.unit.faults.town import Town


@pytest.fixture
def town() -> Town:
    """A history with everything in it that is legal: retries, lost devices, cancels, uploads, poison, old reports."""
    made = Town()
    made.images("one", 2)
    made.report("start", "one")
    made.report("fail", "one")
    made.film("film")
    made.upload("asset")
    made.bad_bytes("requests", b"\x00nothing")
    made.bad_bytes("reports", b"\x00nothing")
    made.images("two")
    made.joins("boot-2")
    made.report("succeed", "two", epoch=1)
    made.cancel("film")
    made.finish()
    return made


def test_a_clean_history_keeps_every_invariant(town: Town) -> None:
    assert [str(found) for found in check(town.evidence())] == []
