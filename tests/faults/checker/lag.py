"""I7: after the fault every reader reaches the end again, in time."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.checker.evidence import Position
from tests.faults.checker.violations import Findings


def check_lag(findings: Findings, positions: Sequence[Position], quiet_s: float | None, bound_s: float) -> None:
    """Every position is the end, and it took at most `bound_s` seconds to get there."""
    for one in positions:
        findings.checked["I7"] += 1
        if one.position < one.end:
            text = f"{one.reader} stands at {one.topic}[{one.partition}]@{one.position}, records go on to {one.end - 1}"
            findings.add("I7", text)
    if quiet_s is not None:
        findings.checked["I7"] += 1
        if quiet_s > bound_s:
            findings.add("I7", f"it took {quiet_s:.1f} s to become quiet, the bound is {bound_s:g} s")
