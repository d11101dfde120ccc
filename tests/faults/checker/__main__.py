"""`python -m tests.faults.checker --data FOLDER`: wait until the stack in a folder is quiet, check it, print a table."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

import msgspec

from infra.local.state import running_settings
from infra.settings import Settings
from schemas.errors import StoryreelError
from tests.faults.checker import Findings, examine
from tests.faults.checker.collect import collected
from tests.faults.checker.evidence import Seen
from tests.faults.checker.quiet import NotQuietError, wait_quiet
from tests.faults.checker.report import table


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 every invariant holds, 1 one is broken, 2 it could not be checked."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.checker", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(".storyreel"), help="data folder of the running stack")
    parser.add_argument("--seen", type=Path, help="JSON of what clients and injectors saw: accepted, replies, poison")
    parser.add_argument(
        "--grace", type=float, default=3_600, help="age in seconds from which an unnamed object is an orphan"
    )
    parser.add_argument("--timeout", type=float, default=60, help="seconds within which the stack must become quiet")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    chosen = parser.parse_args(argv)
    try:
        seen = msgspec.json.decode(chosen.seen.read_bytes(), type=Seen) if chosen.seen else Seen()
        settings = running_settings(chosen.data)
        findings, seconds = asyncio.run(_check(settings, seen, chosen.grace, chosen.timeout))
    except (StoryreelError, NotQuietError, OSError, msgspec.DecodeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    shown = msgspec.json.encode(findings).decode() if chosen.json else table(findings, seconds)
    sys.stdout.write(shown + "\n")
    return 1 if findings.violations else 0


async def _check(settings: Settings, seen: Seen, grace: float, timeout: float) -> tuple[Findings, float]:
    quiet_s = await wait_quiet(settings, timeout, [one.task_id for one in seen.accepted])
    told = msgspec.structs.asdict(seen)
    async with collected(settings, **told, quiet_s=quiet_s, bound_s=timeout, grace_s=grace) as evidence:
        began = time.monotonic()
        findings = await asyncio.to_thread(examine, evidence)
        return findings, time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
