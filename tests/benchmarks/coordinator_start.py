"""The coordinator's time to ready behind a long log; `tests.benchmarks.coordinator` also measures takeovers and pauses."""

from __future__ import annotations

import tempfile
from pathlib import Path

from infra.local.stack import LocalStack, StackOptions
from schemas.topics import TOPICS
from tests.benchmarks.coordinator import TAIL, Starts, starts
from tests.benchmarks.figures import Figure, Options
from tests.benchmarks.ledger import write_ledger


async def measure(options: Options) -> list[Figure]:
    """From a snapshot and the default number of events behind it, the most there is to fold."""
    events = options.count(1_000_000, 20_000)
    with tempfile.TemporaryDirectory(prefix="storyreel-ledger-") as folder:
        async with LocalStack(Path(folder), options=StackOptions(topics=TOPICS)) as stack:
            await write_ledger(stack.settings, events)
            options.say(f"{events:,} events written")
            found = await starts(
                stack.settings, Path(folder), events, options.runs, lambda found: options.keep(figures(found, events))
            )
    return figures(found, events)


def figures(found: Starts, events: int) -> list[Figure]:
    """Those whose times are known."""
    size, behind = f"{events:,} events on the log", f"ready from a snapshot and {TAIL:,} events behind it"
    made = [
        Figure(name=behind, unit="s", runs=found.with_tail, limit=10, better="less", note=size),
        Figure(name="ready from a snapshot of the end", unit="s", runs=found.with_snapshot, better="less"),
        Figure(name="ready without a snapshot", unit="s", runs=[found.whole], better="less"),
    ]
    return [figure for figure in made if figure.runs]
