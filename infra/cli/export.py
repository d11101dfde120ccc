"""`storyreel log export` and `storyreel log restore`: the log as files, and files as a log."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import Progress

from infra.cli.bars import rated
from infra.cli.moments import bound
from infra.cli.options import DATA, DataOption, ReasonOption
from infra.cli.target import target_settings
from infra.operators import record_act
from infra.settings import Settings
from schemas.errors import ConfigurationError
from schemas.topics import BY_NAME

if TYPE_CHECKING:
    from infra.export.log_export import Moved, Window
    from infra.export.parts import Format

FormatName = Literal["parquet", "jsonl", "avro"]


def register(app: App) -> None:
    """Add the commands to `storyreel log`, once."""
    if export.__name__ not in set(app):
        app.command(export)
        app.command(restore)


def export(
    *,
    out: Annotated[Path, Parameter(help="Folder of the export; a second run adds what is new.")],
    format_: Annotated[FormatName, Parameter(name="--format", help="parquet needs the extra `analytics`.")] = "parquet",
    topic: Annotated[list[str] | None, Parameter(help="Topics to export; all if not given.")] = None,
    since: Annotated[
        str | None, Parameter(help="Begin at the first record at or after a time (UTC), or 90s, 15m, 2h, 7d ago.")
    ] = None,
    until: Annotated[str | None, Parameter(help="Stop before the first record at or after then.")] = None,
    gzip: Annotated[bool, Parameter(negative="", help="Compress jsonl.")] = False,
    data: DataOption = DATA,
) -> None:
    """Write committed records to files by topic and day: tables for analysts, or an archive to restore from.

    parquet and jsonl hold flat rows, avro the bytes of every record. A killed run is taken up by the next one.
    """
    if gzip and format_ != "jsonl":
        raise ConfigurationError(f"--gzip is for --format jsonl; {format_} files are compressed anyway")
    from infra.export.log_export import Window

    now = datetime.now(UTC)
    window = Window(since=bound("--since", since, now), until=bound("--until", until, now))
    asyncio.run(_export(target_settings(data), out, format_, gzip, topic or list(BY_NAME), window))


async def _export(
    settings: Settings, out: Path, format_: FormatName, gzip: bool, topics: list[str], window: Window
) -> None:
    from infra.export import log_export

    made_by = await chosen_format(settings, format_, gzip=gzip)
    with progress_shown("exporting") as moved:
        done = await log_export.export(settings.kafka, out, made_by, topics, window, moved)
    removed = f"; {done.removed} unfinished files removed" if done.removed else ""
    removed += f"; {done.expired} offsets expired since the last run" if done.expired else ""
    sys.stdout.write(f"{done.records:,} records in {done.files} new files, {done.size / 1e6:,.1f} MB{removed}\n")


async def chosen_format(settings: Settings, name: FormatName, *, gzip: bool = False) -> Format:
    """The writer of a format. Raises `ConfigurationError` when what it needs is not installed."""
    from infra.export.archive import Archive
    from infra.export.entry import Decoder
    from infra.export.jsonl import JsonLines
    from infra.export.parquet import Parquet
    from infra.registry import load_codec

    decoder = Decoder(await load_codec(settings), settings)
    match name:
        case "parquet":
            return Parquet(decoder)
        case "jsonl":
            return JsonLines(decoder, gzipped=gzip)
        case "avro":
            return Archive(decoder)


def restore(
    *,
    from_: Annotated[Path, Parameter(name="--from", help="Folder of a whole export as avro.")],
    reason: ReasonOption = "",
    data: DataOption = DATA,
) -> None:
    """Write an archive back into an empty cluster: topics, schemas and every record in its order.

    Nothing may run beside it, and no topic may hold a record. Start the product afterwards; it derives the rest.
    """
    from infra.export import restore as restoring

    settings = target_settings(data)
    with progress_shown("restoring") as moved:
        done = asyncio.run(restoring.restore(settings, from_, moved))
    detail = f"{done.records} records on {done.topics} topics"
    asyncio.run(record_act(settings, "log restore", from_.resolve().name, reason=reason, detail=detail))
    sys.stdout.write(f"{done.records:,} records on {done.topics} topics, {done.schemas} schemas\n")
    if done.renumbered:
        sys.stdout.write(f"{done.renumbered} schemas have other ids in this registry; the records name the new ones\n")


@contextmanager
def progress_shown(verb: str) -> Iterator[Moved]:
    """A bar on standard error with rate and time left, if that is a terminal."""
    with Progress(*rated(26, "records"), console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(verb, total=None)

        def moved(topic: str, done: int, total: int) -> None:
            progress.update(bar, description=f"{verb} {topic}", completed=done, total=total)

        yield moved
