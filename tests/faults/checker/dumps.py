"""I3: the read models of a rebuild from the log equal the live ones, line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

from tests.faults.checker.violations import Findings

_SHOWN = 160  # characters of a value


def compare(findings: Findings, live: Iterable[str], rebuilt: Iterable[str]) -> None:
    """Both dumps in one walk; memory is needed for what differs only."""
    only_live: dict[str, None] = {}
    only_rebuilt: dict[str, None] = {}
    for left, right in zip_longest(live, rebuilt):
        findings.checked["I3"] += left is not None
        if left == right:
            continue
        for line, mine, other in ((left, only_live, only_rebuilt), (right, only_rebuilt, only_live)):
            if line is None:
                continue
            if line in other:
                del other[line]
            else:
                mine[line] = None
    for line in only_live:
        if (twin := _twin(line, only_rebuilt)) is not None:
            del only_rebuilt[twin]
            findings.add("I3", f"a row of {_difference(line, twin)}")
        else:
            findings.add("I3", f"a row is in the live read models only: {line[:_SHOWN]}")
    for line in only_rebuilt:
        findings.add("I3", f"a row is in the rebuilt read models only: {line[:_SHOWN]}")


def _parsed(line: str) -> tuple[str, dict[str, Any]]:
    table, _, row = line.partition(" ")
    fields = json.loads(row) if row.startswith("{") else dict(enumerate(row.split()))
    return table, {str(name): value for name, value in fields.items()}


def _twin(line: str, others: Iterable[str]) -> str | None:
    """The line of the same table that has most fields in common, at least half of them."""
    table, fields = _parsed(line)
    best, most = None, len(fields) / 2
    for other in others:
        other_table, found = _parsed(other)
        same = sum(found.get(name) == value for name, value in fields.items())
        if other_table == table and same >= most:
            best, most = other, same
    return best


def _difference(left: str, right: str) -> str:
    table, live = _parsed(left)
    _, rebuilt = _parsed(right)
    name = next(iter(live.values()), "")
    parts = [
        f"{field}: live {_short(live.get(field))}, rebuilt {_short(rebuilt.get(field))}"
        for field in sorted(live.keys() | rebuilt.keys())
        if live.get(field) != rebuilt.get(field)
    ]
    return f"{table} ({name}) differs: {'; '.join(parts)}"


def _short(value: Any) -> str:
    return json.dumps(value)[:_SHOWN]
