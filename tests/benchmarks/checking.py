"""How fast the checker judges a log: `python -m tests.benchmarks.checking --tasks 2000`, every task a picture of four shots."""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from schemas.requests import QuotaLimitRequested
from tests.faults.checker import Evidence, examine
from tests.faults.checker.records import Log
from tests.faults.checker.report import table
from tests.faults.checker.spool import Spool
from tests.faults.simulation.owner import CODEC
from tests.unit.faults.town import Town


def town_of(tasks: int) -> Town:
    """A town that has made so many pictures."""
    town = Town()
    town.ask(QuotaLimitRequested(request=town.info("limit"), resource="images", limit=4 * tasks))
    for number in range(tasks):
        town.images(f"task-{number:06d}", 4)
        if number % 8 == 7:
            town.finish()
    town.finish()
    return town


def spooled(town: Town, folder: Path) -> Evidence:
    """The town's evidence with its log in files, as it is collected from a broker."""
    spools = {}
    for (topic, partition), raws in town.partitions.items():
        spool = spools[topic, partition] = Spool(folder / f"{topic}-{partition}")
        for raw in raws:
            spool.append(raw)
        spool.close()
    return town.evidence(log=Log(CODEC, spools))


def main() -> None:
    """Print the checker's table with its speed, and what memory the process held before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=2_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        evidence = spooled(town_of(chosen.tasks), Path(folder))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, worked = time.perf_counter(), time.process_time()
        findings = examine(evidence)
        seconds, busy = time.perf_counter() - began, time.process_time() - worked
    print(table(findings, seconds))
    print(f"{busy:.2f} s of them on a processor, {findings.events / busy:,.0f} a processor second")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory grew by {(after - before) / 1024:.0f} MiB over the {before / 1024:.0f} MiB of making the log")


if __name__ == "__main__":
    main()
