"""`python -m tests.benchmarks`: measure the parts one after another, print a table, write bench.json."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from tests.benchmarks.figures import CannotMeasureError, Figure, Options
from tests.benchmarks.registry import PARTS, part
from tests.benchmarks.results import Measured, machine, store
from tests.benchmarks.table import table


def main() -> int:
    """Exit status: 0 all was measured, whatever came out; 2 something could not be."""
    chosen = _arguments()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if chosen.child:
        return _measure(chosen.only[0], chosen)
    measured: list[Measured] = []
    for name in chosen.only:
        status, one = _in_process(name, chosen)
        measured.append(one)
        store(chosen.folder, one)
        if status == -signal.SIGINT:
            break
    print(f"\n{table(measured)}\n{chosen.folder / 'bench.json'}")
    return 2 if any(one.error or one.partial for one in measured) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parts = "\n".join(f"  {name:18}{meaning}" for name, meaning in PARTS.items())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"parts:\n{parts}"
    parser.add_argument("--only", type=_names, default=list(PARTS), help="names with commas between them")
    parser.add_argument("--runs", type=int, default=3, help="of which the median counts")
    parser.add_argument("--quick", action="store_true", help="small loads, to see that it works")
    parser.add_argument("--profile", action="store_true", help="also record where the processes spend their time")
    parser.add_argument("--folder", type=Path, default=Path("out/bench"), help="of bench.json and profiles")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if unknown := [name for name in names if name not in PARTS]:
        raise argparse.ArgumentTypeError(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return names


def _in_process(name: str, chosen: argparse.Namespace) -> tuple[int, Measured]:
    """A part in a process of its own, so that no part inherits another one's memory; its exit status and what it left.

    Who interrupts or terminates this process lets the part stop its stack first.
    """
    print(f"== {name}: {PARTS[name]}", flush=True)
    path = chosen.folder / f"{name}.json"
    path.unlink(missing_ok=True)
    words = [sys.executable, "-m", "tests.benchmarks", "--child", "--only", name, "--runs", str(chosen.runs)]
    words += ["--folder", str(chosen.folder)]
    words += [f"--{flag}" for flag in ("quick", "profile") if getattr(chosen, flag)]
    with subprocess.Popen(words, start_new_session=True) as child:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: child.send_signal(signal.SIGINT))
        status = child.wait()
    if not path.exists():
        return status, Measured(part=name, error=f"the measurement ended with status {status}", machine=machine())
    return status, msgspec.json.decode(path.read_bytes(), type=Measured)


def _measure(name: str, chosen: argparse.Namespace) -> int:
    began, before, where = time.monotonic(), os.getloadavg()[0], machine()

    def keep(figures: list[Figure], *, partial: bool = True, error: str = "") -> None:
        measured = Measured(
            part=name,
            figures=figures,
            error=error,
            seconds=round(time.monotonic() - began, 1),
            quick=chosen.quick,
            partial=partial,
            load_average=[before, os.getloadavg()[0]],
            machine=where,
        )
        store(chosen.folder, measured)

    options = Options(folder=chosen.folder, runs=chosen.runs, quick=chosen.quick, profile=chosen.profile, keep=keep)
    try:
        keep(asyncio.run(part(name)(options)), partial=False)
    except (CannotMeasureError, ModuleNotFoundError) as reason:
        keep([], partial=False, error=str(reason))
    return 0


if __name__ == "__main__":
    sys.exit(main())
