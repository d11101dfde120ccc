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

    @property
    def cores(self) -> float:
        """How many cores the side and its client had while they accepted: fewer than there are if others wanted them too."""
        return sum(self.accept_ms.values()) / 1000 * self.accepts

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
        figures.append(_cpu(loads, connections, "a task", lambda load: load.cpu_ms))
        figures.append(_cpu(loads, connections, "an accepted request until its answer", lambda load: load.accept_ms))
    quiet = Figure(name="CPU time while nothing is asked", unit="% of a core", runs=[], better="less")
    for side, runs in ((PRODUCT, quiet.runs), (PEER, quiet.baseline)):
        runs += [100 * sum(times.values()) for times in idle[side]]
        quiet.shares |= {f"{side} {name}": [100 * times[name] for times in idle[side]] for name in idle[side][0]}
    return [*figures, quiet]


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
    figures.append(figure("cores had meanwhile", "", lambda load: load.cores, "more"))
    figures[0].limit, figures[0].stretch = accepts, hoped
    figures[1].limit = 1 / 3
    figures[3].limit, figures[3].stretch = 2.0, 4.0
    return figures


def _cpu(loads: Loads, connections: int, title: str, of: Callable[[Load], Times]) -> Figure:
    """CPU milliseconds and whose: they say what to make faster, whatever else the machine does."""
    name = f"CPU time of {title} at {connections} connections"
    figure = Figure(name=name, unit="ms", runs=[], better="less")
    for side, runs in ((PRODUCT, figure.runs), (PEER, figure.baseline)):
        times = [of(load) for load in loads[side, connections]]
        runs += [sum(one.values()) for one in times]
        figure.shares |= {f"{side} {process}": [one[process] for one in times] for process in times[0]}
    return figure
