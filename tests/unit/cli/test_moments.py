"""Times as people type them, the same for every command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cli import main
from infra.cli.moments import bound, moment
from schemas.errors import ConfigurationError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@given(st.integers(0, 9999), st.sampled_from(sorted(SECONDS)))
def test_how_long_ago(count: int, unit: str) -> None:
    assert moment("--since", f"{count}{unit}", NOW) == NOW - timedelta(seconds=count * SECONDS[unit])


@given(st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.sampled_from([None, UTC])))  # noqa: DTZ001
def test_a_time_is_utc_unless_it_says_otherwise(time: datetime) -> None:
    assert moment("--since", time.isoformat(), NOW) == time.replace(tzinfo=UTC)
    assert moment("--since", "2026-11-24T14:00:00+02:00", NOW) == NOW
    assert bound("--since", None, NOW) is None


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2 h", "2w", "yesterday", "2026-13-01"])
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"--until is '.*', it must be a time as in ISO 8601, or 90s, 15m, 2h, 7d"
    ):
        moment("--until", text, NOW)


@pytest.mark.parametrize(
    "command",
    [
        ("log", "verify", "--since"),
        ("log", "export", "--out", "OUT", "--since"),
        ("log", "export", "--out", "OUT", "--until"),
    ],
)
def test_commands_with_a_window_take_the_same_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    words = [str(tmp_path / "out") if word == "OUT" else word for word in command]
    for text, said in (("2w", f"{command[-1]} is '2w'"), ("2h", "no stack runs in")):
        with pytest.raises(SystemExit) as end:
            main([*words, text, "--data", str(tmp_path)])
        assert end.value.code == 1
        assert said in capsys.readouterr().err
