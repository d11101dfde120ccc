"""What `log verify` finds after a fault run: injected bytes are expected where they were put, and nothing else is."""

from __future__ import annotations

import pytest

from infra.audit.events import Finding
from tests.faults.harness.proofs import Proofs, beside

POISON = {("tasks", 0, 7)}


def finding(**fields: object) -> Finding:
    return Finding(**{"topic": "tasks", "partition": 0, "offset": 7, "rule": "bytes", "message": "-"} | fields)  # type: ignore[arg-type]


def test_injected_bytes_are_expected() -> None:
    assert beside([finding(), finding(rule="schema")], POISON) == []


@pytest.mark.parametrize("fields", [{"offset": 8}, {"partition": 1}, {"topic": "quotas"}, {"rule": "chain"}])
def test_anything_else_is_wrong(fields: dict[str, object]) -> None:
    other = finding(**fields)
    assert beside([finding(), other], POISON) == [other]


def test_the_report_says_how_many_rows_differ() -> None:
    proofs = Proofs(rows=1922, differing=0, events=2034, wrong=0, poisoned=36, checkpoints=1, confirmed=1)
    assert proofs.lines()[0] == "projections diff: 0 rows differ of 1,922"
    assert "1 of 1 signed checkpoints confirmed" in proofs.lines()[1]
