"""A lone request is decided at once; a stream of them in transactions of some size, none of which waits for long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.pacing import BUSY, INTERVAL, Pace


def test_one_client_that_waits_for_each_of_its_tasks_never_waits_for_others() -> None:
    pace, now = Pace(), 0.0
    for _ in range(300):  # a request, its beginning and its outcome every 30 ms
        for step in (0.010, 0.012, 0.008):
            now += step
            assert pace.wait(now) == 0.0
            pace.begun(now, 1)


def test_under_load_transactions_begin_at_an_interval_and_at_once_when_it_is_over() -> None:
    pace, now, waits = Pace(), 0.0, []
    for _ in range(200):
        waits.append(pace.wait(now))
        now += waits[-1]
        pace.begun(now, 10)
        now += 0.010
    assert all(abs(wait - (INTERVAL - 0.010)) < 1e-9 for wait in waits[-100:])
    assert pace.wait(now + 2.0) == 0.0


@given(st.lists(st.tuples(st.floats(0, 0.2), st.integers(0, 500)), max_size=60))
def test_nobody_waits_longer_than_the_interval(history: list[tuple[float, int]]) -> None:
    pace, now = Pace(), 0.0
    for gap, inputs in history:
        now += gap
        wait = pace.wait(now)
        assert 0.0 <= wait <= INTERVAL
        now += wait
        pace.begun(now, inputs)


def test_an_idle_coordinator_has_no_load() -> None:
    pace = Pace()
    assert pace.wait(5.0) == 0.0
    pace.begun(5.0, int(BUSY))
    assert pace.wait(5.001) > 0.0
    assert pace.wait(60.0) == 0.0
