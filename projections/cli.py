"""`storyreel projections`: the tables of PostgreSQL against the log they come from."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cyclopts import App
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from infra.cli.options import DATA, DataOption
from infra.cli.target import target_settings
from infra.keystore import open_keystore
from projections.bulk.rebuild import Rebuilt, Watch, rebuild_beside
from projections.unsealing import keystore_unseal

app = App(name="projections", help="The read models in PostgreSQL: derived again from the log, or compared with it.")


@app.command
def rebuild(*, data: DataOption = DATA) -> None:
    """Derive all read models again from the log, beside those in use, and put them in their place in one moment.

    The API goes on answering and new events go on arriving. A run that was killed is taken up by the next one.
    """
    settings = target_settings(data)
    with contextlib.closing(open_keystore(settings, os.environ)) as keystore, watched("folding") as watch:
        done = asyncio.run(rebuild_beside(settings, keystore_unseal(keystore), watch))
    sys.stdout.write(f"{summary(done)}\n")


def summary(done: Rebuilt) -> str:
    """One sentence a person understands."""
    rate = done.records / done.fold_s if done.fold_s else 0.0
    begun = ", going on from an unfinished rebuild" if done.resumed else ""
    unusable = f"; {done.unusable:,} records no reader can use were left out" if done.unusable else ""
    return (
        f"read models rebuilt and in use: {done.records:,} events into {done.rows:,} rows in {done.total_s:.1f} s "
        f"({rate:,.0f} events/s){begun}{unusable}"
    )


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f} events/s")


@contextmanager
def watched(verb: str) -> Iterator[Watch]:
    """A bar on standard error with rate and time left, if that is a terminal."""
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(30),
        TaskProgressColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(verb, total=None)

        def sized(total: int, passed: int) -> None:
            progress.update(bar, total=total, completed=passed)

        def moved(topic: str, offsets: int) -> None:
            progress.update(bar, description=f"{verb} {topic}", advance=offsets)

        yield Watch(sized, moved)
