from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.webhooks.schedule import horizon, next_wait, parse_retries
from infra.settings import Settings
from schemas.errors import ConfigurationError

WAITS = st.lists(st.floats(0.001, 86_400), max_size=12)


@given(WAITS, st.floats(0, 1))
def test_every_wait_is_used_once_and_all_attempts_lie_within_the_horizon(waits: list[float], chance: float) -> None:
    assert parse_retries(",".join(map(str, waits))) == tuple(waits)
    used: list[timedelta] = []
    while (wait := next_wait(waits, len(used) + 1, chance)) is not None:
        used.append(wait)
    assert len(used) == len(waits)
    assert sum(used, timedelta()) < horizon(waits)


def test_by_default_attempts_go_on_for_three_days() -> None:
    waits = parse_retries(Settings().webhook_retries)
    assert waits[0] == 5
    assert 3 * 86_400 <= sum(waits) <= 4 * 86_400


@pytest.mark.parametrize("text", ["5,x", "0", "-1", "5,,6", "nan", "1e9"])
def test_nonsense_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ConfigurationError, match="WEBHOOK_RETRIES"):
        parse_retries(text)
