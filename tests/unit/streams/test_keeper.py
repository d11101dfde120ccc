"""When records count as waiting."""

from __future__ import annotations

import pytest

from streams.read_models.keeper import Look, waits


@pytest.mark.parametrize(
    ("before", "now", "read", "expected"),
    [
        pytest.param(Look(10, 30), 10, None, True, id="stood still before records"),
        pytest.param(Look(10, 30), 15, None, False, id="moved on"),
        pytest.param(Look(10, 30), 0, None, True, id="set back"),
        pytest.param(Look(0, 30), 0, None, True, id="lost"),
        pytest.param(Look(10, 11), 10, None, False, id="a marker only"),
        pytest.param(Look(10, 10), 10, None, False, id="at the end"),
        pytest.param(Look(10, 30), 10, Look(10, 30), False, id="nothing there but what was aborted"),
        pytest.param(Look(10, 31), 10, Look(10, 30), True, id="more came since"),
        pytest.param(Look(0, 30), 0, Look(10, 30), True, id="lost after that"),
    ],
)
def test_records_wait(before: Look, now: int, read: Look | None, *, expected: bool) -> None:
    assert waits(before, now, read) is expected
