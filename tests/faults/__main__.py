"""Put a real stack through faults: `python -m tests.faults --seed 7 --kills 40` (also `tests/faults/storyreel-faults`)."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console

from tests.faults.harness.runner import Order, run
from tests.faults.harness.schedule import FAULTS

KILLS = 40


def order_of(argv: Sequence[str] | None) -> Order:
    """The command line; ends the process with an explanation when it makes no sense."""
    parser = argparse.ArgumentParser(prog="storyreel-faults", description=__doc__)
    parser.add_argument(
        "--seed", type=int, help="of the faults and of what clients do; drawn and printed when left out"
    )
    parser.add_argument("--kills", type=int, default=KILLS, help=f"processes to kill ({KILLS})")
    parser.add_argument("--data", type=Path, help="folder of the stack, which must be new; kept")
    parser.add_argument("--faults", default=",".join(FAULTS), help=f"only these, of: {', '.join(FAULTS)}")
    parser.add_argument("--json", type=Path, help="file for the report")
    given = parser.parse_args(argv)
    chosen = tuple(name.strip() for name in given.faults.split(","))
    if unknown := [name for name in chosen if name not in FAULTS]:
        parser.error(f"--faults: unknown {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    if not {"kill", "crash-point"} & set(chosen):
        parser.error("--faults: kill or crash-point must be among them, a run ends after its kills")
    if given.kills < 1:
        parser.error("--kills: at least 1")
    if given.data is not None and given.data.exists() and any(given.data.iterdir()):
        parser.error(f"--data: {given.data} is not empty")
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    return Order(seed=seed, kills=given.kills, faults=chosen, data=given.data, json=given.json)


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> int:
    """Run; the exit status is 1 when an invariant was broken. SIGTERM ends it like Ctrl-C: nothing is left behind."""
    signal.signal(signal.SIGTERM, _end)
    try:
        report = asyncio.run(run(order_of(argv), Console()))
    except KeyboardInterrupt:
        return 130
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
