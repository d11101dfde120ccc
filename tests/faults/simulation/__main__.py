"""Play many histories: `python -m tests.faults.simulation --histories 10000 --seed 1 --processes 2`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from msgspec import Struct

from tests.faults.simulation import Report, simulate
from tests.faults.simulation.bugs import BUGS

SHOWN = frozenset(
    {"TaskQueued", "TaskRejected", "TaskCompleted", "TaskFailed", "TaskCancelled", "TaskExpired"}
    | {"StageDispatched", "StageRetryScheduled", "StagesPlanned", "LeaseGranted", "LeaseRevoked"}
    | {"TaskHeld", "TaskReleased"}
)
EVERY = 20  # histories a task of a process


class Counts(Struct, frozen=True, kw_only=True):
    """What the histories of some seeds held; `failed` are seeds with their first violation."""

    histories: int
    held: Counter[str]
    faults: Counter[str]
    failed: dict[int, str]


def play(seeds: Sequence[int], requests: int, faults: int, bug: str) -> Counts:
    """Play the histories of some seeds."""
    held: Counter[str] = Counter()
    injected: Counter[str] = Counter()
    failed = {}
    for seed in seeds:
        report = simulate(seed, requests=requests, faults=faults, **(BUGS[bug]() if bug else {}))
        held.update({"requests": report.requests, "events": len(report.events)})
        held.update({"aborted transactions": report.aborted, "of which fenced": report.fenced})
        held.update(name for event in report.events if (name := type(event).__name__) in SHOWN)
        held.update("cached results" for event in report.events if getattr(event, "cached", False))
        held.update("retries by hand" for event in report.events if getattr(event, "retry_of", ""))
        held.update("stages passed over" for event in report.events if getattr(event, "passed", None))
        injected.update(report.faults)
        if report.violations:
            failed[seed] = report.violations[0]
    return Counts(histories=len(seeds), held=held, faults=injected, failed=failed)


def show(report: Report) -> None:
    """Print one history, event by event, then its violations."""
    for event in report.events:
        envelope = event.envelope
        fields = ("stage_id", "attempt", "device_id", "slot", "epoch", "outcome", "status", "ending", "amount", "used")
        about = " ".join(
            f"{name}={value}" for name in fields if (value := getattr(event, name, None)) not in (None, "")
        )
        task = getattr(event, "task_id", "") or envelope.aggregate_id
        print(f"#{event.stamp.shard_seq} {envelope.occurred_at:%T.%f} {type(event).__name__} {task} {about}")
    print(f"faults: {', '.join(report.faults)}")
    for violation in report.violations:
        print(f"VIOLATION {violation}")


def campaign(arguments: argparse.Namespace) -> int:
    """Play all histories with progress; returns how many failed."""
    began = last = time.monotonic()
    first, end = arguments.seed, arguments.seed + arguments.histories
    chunks = [range(n, min(n + EVERY, end)) for n in range(first, end, EVERY)]
    histories = 0
    held: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    failed: dict[int, str] = {}
    with ProcessPoolExecutor(arguments.processes) as pool:
        futures = [pool.submit(play, c, arguments.requests, arguments.faults, arguments.bug) for c in chunks]
        for future in futures:
            counts = future.result()
            histories += counts.histories
            held += counts.held
            faults += counts.faults
            failed |= counts.failed
            for seed, violation in counts.failed.items():
                print(f"seed {seed} FAILED: {violation}", flush=True)
            if time.monotonic() - last > 10 or future is futures[-1]:
                last = time.monotonic()
                print(f"{histories} histories, {len(failed)} failed, {last - began:.0f} s", flush=True)
    for title, counter in (("held", held), (f"{sum(faults.values())} faults", faults)):
        print(f"{title}:")
        for name, count in sorted(counter.items()):
            print(f"  {count:9} {name}")
    print(f"failing seeds: {', '.join(map(str, failed)) or 'none'}")
    return len(failed)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line; the exit status is 1 when a history failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.simulation", description=__doc__)
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first history; the others count on")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--requests", type=int, default=50, help="at least so many a history")
    parser.add_argument("--faults", type=int, default=10, help="at least so many a history")
    parser.add_argument("--bug", choices=sorted(BUGS), default="", help="plant a bug")
    parser.add_argument("--replay", type=int, metavar="SEED", help="print the history of one seed")
    arguments = parser.parse_args(argv)
    if arguments.replay is None:
        return min(1, campaign(arguments))
    bug = BUGS[arguments.bug]() if arguments.bug else {}
    report = simulate(arguments.replay, requests=arguments.requests, faults=arguments.faults, **bug)
    show(report)
    return min(1, len(report.violations))


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # a seed must give the same history in every process
        command = [sys.executable, "-m", "tests.faults.simulation", *sys.argv[1:]]
        os.execve(sys.executable, command, os.environ | {"PYTHONHASHSEED": "0"})
    sys.exit(main())
