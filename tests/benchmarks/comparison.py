"""From loads of both sides to figures with the limits they are judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from tests.benchmarks.client import Seen
from tests.benchmarks.cpu import Times
from tests.benchmarks.figures import Figure

PRODUCT, PEER = "storyreel", "peer"
Loads = Mapping[tuple[str, int], Sequence["Load"]]


class Load(Struct, kw_only=True):
    """One side under one load: what the client saw, tasks a second until the last was completed, CPU ms a task by process.

    `accept_ms` is CPU time a request by process, of the time until the last request was accepted.
    """

    seen: Seen
    tasks_per_s: float
    cpu_ms: Times
    accept_ms: Times

    @property
    def accepts(self) -> float:
        """Accepted requests a second."""
        return len(self.seen.post_ms) / self.seen.seconds

    def post_ms(self, share: float) -> float:
        """Milliseconds to the answer; `share` 0.5 = median."""
        times = sorted(self.seen.post_ms)
        return times[min(len(times) - 1, int(share * len(times)))]


def comparison(loads: Loads, singles: Mapping[str, list[float]], idle: Mapping[str, list[Times]]) -> list[Figure]:
    """The product with the peer as its baseline."""
    figures = [
        *_at(loads, 32, accepts=3.0, hoped=4.0),
        *_at(loads, 128, accepts=5.0, hoped=6.0),
        Figure(
            name="single task, POST to completed in GET, p50",
            unit="ms",
            runs=singles[PRODUCT],
            baseline=singles[PEER],
            limit=40.0,
            stretch=23.0,
            better="less",
        ),
    ]
    for connections in sorted({connections for _, connections in loads}):
        figures += _cpu(loads, connections, "task", lambda load: load.cpu_ms)
        figures += _cpu(loads, connections, "accepted request", lambda load: load.accept_ms)
    for side, runs in idle.items():
        shares = [100 * sum(times.values()) for times in runs]
        figures.append(Figure(name=f"CPU of an idle {side}", unit="% of a core", runs=shares, better="less"))
    return figures


def _at(loads: Loads, connections: int, accepts: float, hoped: float) -> list[Figure]:
    def figure(name: str, unit: str, of: Callable[[Load], float], better: Literal["more", "less"]) -> Figure:
        mine, theirs = ([of(load) for load in loads[side, connections]] for side in (PRODUCT, PEER))
        name = f"{name} at {connections} connections"
        return Figure(name=name, unit=unit, runs=mine, baseline=theirs, better=better, of_baseline=True)

    figures = [
        figure("accepts", "/s", lambda load: load.accepts, "more"),
        figure("POST p50", "ms", lambda load: load.post_ms(0.5), "less"),
        figure("POST p99", "ms", lambda load: load.post_ms(0.99), "less"),
        figure("null tasks end to end", "/s", lambda load: load.tasks_per_s, "more"),
        figure("load of the client", "% of a core", lambda load: 100 * load.seen.cpu_s / load.seen.seconds, "less"),
    ]
    figures[0].limit, figures[0].stretch = accepts, hoped
    figures[1].limit = 1 / 3
    figures[3].limit, figures[3].stretch = 2.0, 4.0
    return figures


def _cpu(loads: Loads, connections: int, title: str, of: Callable[[Load], Times]) -> list[Figure]:
    """CPU milliseconds by process: they say what to make faster, whatever else the machine does."""
    mine, theirs = ([of(load) for load in loads[side, connections]] for side in (PRODUCT, PEER))
    name = f"CPU a {title} at {connections} connections"
    totals = [sum(times.values()) for times in mine], [sum(times.values()) for times in theirs]
    figures = [Figure(name=name, unit="ms", runs=totals[0], baseline=totals[1], better="less")]
    for side, runs in ((PRODUCT, mine), (PEER, theirs)):
        for process in sorted(runs[0], key=lambda process: -runs[0][process]):
            values = [times[process] for times in runs]
            figures.append(Figure(name=f"{name}, {side} {process}", unit="ms", runs=values, better="less"))
    return figures
