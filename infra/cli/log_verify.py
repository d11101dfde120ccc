"""`storyreel log verify`: is everything on the log as it was written."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from infra.cli.moments import bound
from infra.cli.options import DATA, DataOption, JsonOption
from infra.cli.target import target_settings
from infra.settings import Settings
from schemas.errors import ConfigurationError
from schemas.topics import CHECKPOINTS, LEDGER_TOPICS

if TYPE_CHECKING:
    from infra.audit.auditor import Result, Span

SHOWN = 100  # findings that people see


def verify(
    *,
    since: Annotated[
        str | None, Parameter(help="Only what happened from then on: a time, or 90s, 15m, 2h, 7d.")
    ] = None,
    until: Annotated[str | None, Parameter(help="Only what happened until then.")] = None,
    topic: Annotated[list[str] | None, Parameter(help="Show only what is wrong on these topics.")] = None,
    public_key: Annotated[
        list[Path] | None, Parameter(help="PEM file of a key that signs checkpoints; else this host's own.")
    ] = None,
    kept: Annotated[
        list[Path] | None, Parameter(help="File of printed checkpoints, kept elsewhere, that must be on the log.")
    ] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Read the whole ledger and name every event that was changed, moved, doubled or removed, or was never legal.

    Exit code 1 if anything is wrong. Everything is read whatever the topics, as the chain runs through all of them.
    """
    from infra.audit.auditor import Span

    now = datetime.now(UTC)
    span = Span(since=bound("--since", since, now), until=bound("--until", until, now))
    topics = topic or [spec.name for spec in LEDGER_TOPICS]
    if foreign := set(topics) - {spec.name for spec in LEDGER_TOPICS}:
        raise ConfigurationError(f"--topic: {', '.join(sorted(foreign))} is not written by the coordinator")
    results = asyncio.run(_verify(target_settings(data), span, public_key or [], kept or [], quiet=as_json))
    for result, seconds in results:
        shown = [finding for finding in result.findings if finding.topic in (*topics, CHECKPOINTS.name)]
        if as_json:
            fields = msgspec.structs.asdict(result) | {"findings": shown, "seconds": round(seconds, 3)}
            sys.stdout.write(msgspec.json.encode(fields).decode() + "\n")
            continue
        title = [f"shard {result.shard} of {len(results)}"] if len(results) > 1 else []
        for line in (*title, *map(str, shown[:SHOWN]), *summary(result, len(shown), seconds)):
            sys.stdout.write(printable(line) + "\n")
    if any(result.found for result, _ in results):
        sys.exit(1)


async def _verify(
    settings: Settings, span: Span, keys: Sequence[Path], kept: Sequence[Path], *, quiet: bool
) -> list[tuple[Result, float]]:
    """What the audit of each shard came to, and its seconds."""
    from infra.audit.auditing import audit_log
    from infra.audit.reading import shards_of

    results = []
    for shard in await shards_of(settings):
        began = time.monotonic()
        with reading(quiet=quiet) as moved:
            result = await audit_log(settings, span, keys, kept, moved, shard)
        results.append((result, time.monotonic() - began))
    return results


@contextmanager
def reading(*, quiet: bool) -> Iterator[Any]:
    """A bar with the rate on stderr; yields a function of (read, whole) in offsets."""
    columns = (TextColumn("reading the log"), BarColumn(40), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("reading", total=None)
        yield lambda read, whole: progress.update(task, completed=read, total=whole)


class Rate(ProgressColumn):
    """How much of how much, and how fast."""

    def render(self, task: Task) -> Text:
        """The words."""
        return Text(f"{task.completed:,.0f} of {task.total or 0:,.0f}, {task.speed or 0:,.0f}/s")


def summary(result: Result, shown: int, seconds: float) -> Iterator[str]:
    """What the audit came to, in a few lines."""
    rate = result.events / seconds if seconds else 0
    span = f"shard_seq {result.first:,} to {result.last:,}" if result.events else "nothing"
    yield f"{result.events:,} events ({span}) in {seconds:.1f} s, {rate:,.0f}/s; {result.compared:,} hashes compared"
    if result.holes:
        yield f"{result.holes:,} records between them are gone: their topics keep records for a time only"
    if result.later:
        yield f"{result.later:,} newer records were left for the next audit"
    yield _signatures(result)
    if result.found > shown:
        yield f"{result.found - min(shown, SHOWN):,} more findings are not shown"
    rules = ", ".join(f"{count:,} {rule}" for rule, count in sorted(result.rules.items()))
    yield f"wrong: {result.found:,} ({rules})" if result.found else "wrong: 0"


def _signatures(result: Result) -> str:
    if not result.checkpoints:
        return "no signed checkpoint was compared: who can write to the log could have written all of it anew"
    confirmed = f"{result.confirmed:,} of {result.checkpoints:,} signed checkpoints confirmed"
    kept = f", {result.kept_only:,} of them for topics kept for ever only" if result.kept_only else ""
    later = result.last - result.signed
    return f"{confirmed}{kept}; {max(0, later):,} events are newer than the last signature"


def printable(line: str) -> str:
    """Text of strangers without codes that a terminal would obey."""
    return "".join(c if c.isprintable() else "·" for c in line)
