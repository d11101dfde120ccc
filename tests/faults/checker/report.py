"""Findings as a table for people."""

from __future__ import annotations

from tests.faults.checker.violations import INVARIANTS, Findings


def table(findings: Findings, seconds: float) -> str:
    """One line an invariant, then the violations, then the speed of the check (`seconds` without gathering)."""
    lines = [f"{'':4}{'invariant':<52}{'checked':>10}{'violations':>12}"]
    for name, meaning in INVARIANTS.items():
        lines.append(f"{name:4}{meaning:<52}{findings.checked[name]:>10,}{findings.found[name]:>12,}")
    lines += [f"VIOLATION {violation}" for violation in findings.violations]
    if (left := sum(findings.found.values()) - len(findings.violations)) > 0:
        lines.append(f"... and {left:,} more")
    speed = findings.events / seconds if seconds else 0.0
    lines.append(f"{findings.events:,} records checked in {seconds:.2f} s, {speed:,.0f} a second")
    return "\n".join(lines)
