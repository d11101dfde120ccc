"""A run in words and as JSON."""

from __future__ import annotations

from collections import Counter

import msgspec
from msgspec import Struct
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.faults.checker.violations import Violation
from tests.faults.harness.audit import NAMES
from tests.faults.harness.figures import Figures, Spread
from tests.faults.harness.journal import Injection
from tests.faults.harness.proofs import Proofs
from tests.faults.harness.schedule import FAULTS

MOST_SHOWN = 20


class Report(Struct, kw_only=True):
    """Everything a run tells. `checked` counts what was looked at under each invariant."""

    seed: int
    kills: int
    injections: list[Injection]
    figures: Figures
    checked: Counter[str]
    violations: list[Violation]
    proofs: Proofs
    disk_by: str
    seen: Counter[str]
    data: str

    @property
    def failed(self) -> bool:
        return bool(self.violations)

    def as_json(self) -> bytes:
        """With counts by kind of fault and by invariant beside the raw lists."""
        plain = msgspec.to_builtins(self)
        plain["faults"] = dict(self.faults())
        plain["found"] = {name: self.found(name) for name in NAMES}
        return msgspec.json.format(msgspec.json.encode(plain), indent=2)

    def faults(self) -> Counter[str]:
        """How often each kind was injected."""
        return Counter(i.fault.kind for i in self.injections if i.outcome == "done")

    def found(self, invariant: str) -> int:
        """How many violations of an invariant there are."""
        return sum(v.invariant == invariant for v in self.violations)


def show(report: Report, console: Console, replay: str) -> None:
    """Print the report; `replay` is the command that does the same again."""
    figures = report.figures
    console.print(
        f"seed {report.seed}: {report.kills} kills, {len(report.injections)} faults, {figures.duration:.0f} s"
    )
    console.print(_matrix(report))
    console.print(f"disk full by: {report.disk_by}", highlight=False)
    if missed := [i for i in report.injections if i.outcome != "done"]:
        console.print("not in effect: " + "; ".join(f"{i.fault} ({i.note})" for i in missed), highlight=False)
    for line in _lines(report):
        console.print(line, highlight=False)
    for violation in report.violations[:MOST_SHOWN]:
        console.print(f"[red]VIOLATION[/] {escape(str(violation))}", highlight=False, soft_wrap=True)
    if len(report.violations) > MOST_SHOWN:
        console.print(f"... and {len(report.violations) - MOST_SHOWN} more in the JSON report")
    if report.failed:
        console.print(f"data kept in {report.data}; the same faults again: {replay}", soft_wrap=True, highlight=False)
    else:
        console.print("[green]no invariant was broken[/]")


def _matrix(report: Report) -> Table:
    """Faults that ran against invariants that were checked; a run judges all its faults together."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    table.add_column("fault", footer="violations")
    table.add_column("times", justify="right", footer=str(len(report.violations)))
    for name in NAMES:
        found = report.found(name)
        table.add_column(name, justify="center", footer=f"[red]{found}[/]" if found else "0")
    counts = report.faults()
    for kind in FAULTS:
        if counts[kind]:
            cells = ["!" if report.found(name) else "ok" if report.checked[name] else "-" for name in NAMES]
            table.add_row(kind, str(counts[kind]), *cells)
    return table


def _lines(report: Report) -> list[str]:
    figures = report.figures
    ends = ", ".join(f"{count} {status}" for status, count in figures.tasks.most_common())
    answers = ", ".join(f"{count} x {answer}" for answer, count in figures.answers.most_common())
    seen = ", ".join(f"{count} {name}" for name, count in report.seen.most_common())
    quiet = f"{figures.quiet_s:.1f} s" if figures.quiet_s is not None else "not measured"
    return [
        f"tasks: {sum(figures.tasks.values())} accepted: {ends}; {figures.events} events",
        f"answers to posts: {answers}; p99 of accepts {figures.accept_p99 * 1000:.0f} ms",
        f"clients: {seen}",
        f"killed device to the end of its lease: {_spread(figures.noticed)}",
        f"stage on a killed device to its next dispatch: {_spread(figures.redispatch)}",
        f"killed coordinator to the next event: {_spread(figures.handover)}",
        f"broker back to the next accept: {_spread(figures.broker_recovery)}",
        f"PostgreSQL back to the next answer: {_spread(figures.database_recovery)}",
        f"without broker: {figures.accepted_without_broker} accepts, answers {_spread(figures.answers_without_broker)}",
        f"without PostgreSQL: {figures.accepted_without_database} accepts, answers "
        + _spread(figures.answers_without_database),
        f"quiet after the last fault: {quiet}",
        *report.proofs.lines(),
    ]


def _spread(value: Spread | None) -> str:
    if value is None:
        return "not measured"
    return f"p50 {value.p50:.2f} s, p95 {value.p95:.2f} s, longest {value.longest:.2f} s ({value.count})"
