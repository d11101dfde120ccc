"""Figures as a table for people, in Markdown, so that it can be shown in documents as it is."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from tests.benchmarks.figures import Figure
from tests.benchmarks.results import Measured

HEADINGS = ("figure", "value", "baseline", "ratio", "limit", "")


def table(measured: Iterable[Measured]) -> str:
    """One table a part, with where and beside what it was measured."""
    return "\n".join(_part(one) for one in measured)


def _part(one: Measured) -> str:
    where = one.machine
    load = " to ".join(f"{load:.1f}" for load in one.load_average)
    title = f"{one.part}: {where.cores} cores, load average {load}, {one.seconds:.0f} s, {where.revision}"
    if one.error:
        return f"{one.part}: not measured: {one.error}\n"
    rows = [HEADINGS, *(_row(figure) for figure in one.figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    parts = [_shares(figure) for figure in one.figures if figure.shares]
    title += " (quick: small loads)" * one.quick + " (cut off: the figures until then)" * one.partial
    return "\n".join([title, "", *lines, "", *parts])


def _shares(figure: Figure) -> str:
    """A line for each side, which is the first word of a name; its greatest part first."""
    sides: dict[str, dict[str, float]] = {}
    for name, runs in figure.shares.items():
        side, _, part = name.partition(" ")
        sides.setdefault(side, {})[part] = statistics.median(runs)
    lines = [
        f"- {side}: {', '.join(f'{part} {_number(value)}' for part, value in sorted(parts.items(), key=lambda one: -one[1]))}"
        for side, parts in sides.items()
    ]
    return "\n".join([f"{figure.name}, {figure.unit}:", "", *lines, ""])


def _row(figure: Figure) -> tuple[str, ...]:
    name = figure.name + (f" ({figure.note})" if figure.note else "")
    return (
        name,
        f"{_number(figure.value)} {figure.unit}{_spread(figure.runs)}",
        f"{_number(figure.baseline_value)} {figure.unit}{_spread(figure.baseline)}" if figure.baseline else "",
        f"{_number(figure.ratio)}" if figure.ratio is not None else "",
        _limit(figure),
        {True: "pass", False: "MISS", None: ""}[figure.passed] + (" (stretch)" if figure.meets(figure.stretch) else ""),
    )


def _limit(figure: Figure) -> str:
    if figure.limit is None:
        return ""
    unit = " x" if figure.of_baseline else f" {figure.unit}"
    return f"{'≥' if figure.better == 'more' else '≤'} {_number(figure.limit)}{unit}"


def _spread(runs: list[float]) -> str:
    return f" ({_number(min(runs))}-{_number(max(runs))})" if len(runs) > 1 else ""


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
