"""Log lines: one JSON object each, and no flood while a server is away."""

from __future__ import annotations

import json
import logging

from infra.telemetry import JsonFormatter, RepeatFilter


def _record(name: str, message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, __file__, 1, message, arguments, None)


def test_a_line_is_one_json_object() -> None:
    line = JsonFormatter().format(_record("streams", "took\n%d", 7))
    assert "\n" not in line
    assert json.loads(line)["message"] == "took\n7"


def test_a_library_that_repeats_itself_is_heard_once_with_the_number_left_out() -> None:
    now = 0.0
    repeats = RepeatFilter(seconds=10, clock=lambda: now)
    heard = [repeats.filter(_record("aiokafka.conn", "unable to connect %s", n)) for n in range(100)]
    assert heard == [True] + [False] * 99
    assert repeats.filter(_record("aiokafka.conn", "something else"))
    now = 11.0
    late = _record("aiokafka.conn", "unable to connect %s", 100)
    assert repeats.filter(late)
    assert json.loads(JsonFormatter().format(late))["left_out"] == 99


def test_our_own_lines_always_come_through() -> None:
    repeats = RepeatFilter(clock=lambda: 0.0)
    assert all(repeats.filter(_record("streams.coordinator", "session lost")) for _ in range(5))
