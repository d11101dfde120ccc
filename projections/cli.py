"""`storyreel projections`: the tables of PostgreSQL against the log they come from."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.progress import Progress

from infra.cli.bars import rated
from infra.cli.moments import moment
from infra.cli.options import DATA, DataOption, JsonOption, ReasonOption
from infra.cli.target import target_settings
from infra.keystore import open_keystore
from infra.operators import record_act
from infra.settings import Settings
from projections.bulk.compare import compare
from projections.bulk.merging import Difference
from projections.bulk.rebuild import Rebuilt, Watch, bulk_pool, rebuild_beside
from projections.folds.as_of import task_as_of
from projections.queries import Queries
from projections.unsealing import keystore_unseal
from schemas.errors import ConfigurationError

app = App(name="projections", help="The read models in PostgreSQL: derived again from the log, or compared with it.")

_SHOWN = 120  # characters of a value
_SAMPLE = "Look at about so many tasks, accounts, characters, …, other ones each time; all if not given."


@app.command
def rebuild(*, reason: ReasonOption = "", data: DataOption = DATA) -> None:
    """Derive all read models again from the log, beside those in use, and put them in their place in one moment.

    The API goes on answering and new events go on arriving. A run that was killed is taken up by the next one.
    """
    settings = target_settings(data)
    asyncio.run(record_act(settings, "projections rebuild", "read models", reason=reason))
    with contextlib.closing(open_keystore(settings, os.environ)) as keystore, watched("folding") as watch:
        done = asyncio.run(rebuild_beside(settings, keystore_unseal(keystore), watch))
    sys.stdout.write(f"{summary(done)}\n")


@app.command
def diff(
    *,
    sample: Annotated[int | None, Parameter(validator=Number(gte=1), help=_SAMPLE)] = None,
    json: JsonOption = False,
    data: DataOption = DATA,
) -> None:
    """Compare the read models in use with what the log says, row by row; exit code 1 if anything differs.

    The log is folded into a schema of its own up to the same positions; the read models go on meanwhile.
    """
    settings = target_settings(data)

    def found(pair: Sequence[Difference]) -> None:
        for item in pair:
            line = msgspec.json.encode(item).decode() if json else told(item)
            sys.stdout.write(f"{line}\n")

    with contextlib.closing(open_keystore(settings, os.environ)) as keystore, watched("folding") as watch:
        done = asyncio.run(compare(settings, keystore_unseal(keystore), found, sample, watch))
    verdict = (
        f"{done.differing:,} row{'s differ' if done.differing > 1 else ' differs'}"
        if done.differing
        else "no difference"
    )
    (sys.stderr if json else sys.stdout).write(f"{verdict}: {done.rows:,} rows compared with {done.records:,} events\n")
    if done.differing:
        sys.exit(1)


@app.command(name="as-of")
def as_of(
    *,
    at: Annotated[str, Parameter(help="The time, UTC unless it names another zone; or 90s, 15m, 2h, 7d ago.")],
    task: Annotated[str | None, Parameter(help="Id of a task.")] = None,
    account: Annotated[
        str | None, Parameter(help="Id of an account: its limits, and its use on the 30 days before.")
    ] = None,
    data: DataOption = DATA,
) -> None:
    """Print what was true at a time, as JSON: the state of a task, or use and limits of an account."""
    if (task is None) == (account is None):
        raise ConfigurationError("name either --task or --account")
    found = asyncio.run(_as_of(target_settings(data), moment("--at", at, datetime.now(UTC)), task, account))
    sys.stdout.write(f"{msgspec.json.encode(found).decode()}\n")


async def _as_of(settings: Settings, at: datetime, task: str | None, account: str | None) -> object:
    async with bulk_pool(settings) as pool:
        queries = Queries(pool, patience=10)
        if account is not None:
            since = (at - timedelta(days=30)).date().isoformat()
            return {"limits": await queries.limits_at(account, at), "usage": await queries.usage_at(account, since, at)}
        owner = await queries.owner(task or "") or ""
        current = await queries.task(owner, task or "")
        history = await queries.task_events(owner, task or "")
    found = None if current is None else task_as_of(current, history, at)
    if found is None:
        raise ConfigurationError(f"there was no task {task} at {at.isoformat()}")
    fields = msgspec.to_builtins(found, builtin_types=(datetime,))
    return {name: value for name, value in fields.items() if name not in ("sealed", "results", "body_hash")}


def told(item: Difference) -> str:
    """One line: table, key, and what the two sides say."""
    where = f"{item.table} {'/'.join(map(str, item.key))}"
    if not item.column:
        return f"{where}: the row is {'in the table only' if item.live else 'missing, the log has it'}"
    return f"{where} {item.column}: live {_short(item.live)}, log {_short(item.log)}"


def _short(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def summary(done: Rebuilt) -> str:
    """One sentence a person understands."""
    rate = done.records / done.fold_s if done.fold_s else 0.0
    begun = ", going on from an unfinished rebuild" if done.resumed else ""
    unusable = f"; {done.unusable:,} records no reader can use were left out" if done.unusable else ""
    return (
        f"read models rebuilt and in use: {done.records:,} events into {done.rows:,} rows in {done.total_s:.1f} s "
        f"({rate:,.0f} events/s){begun}{unusable}"
    )


@contextmanager
def watched(verb: str) -> Iterator[Watch]:
    """A bar on standard error with rate and time left, if that is a terminal."""
    console = Console(stderr=True)
    with Progress(*rated(22, "events"), console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(verb, total=None)

        def sized(total: int, passed: int) -> None:
            progress.update(bar, total=total, completed=passed)

        def moved(topic: str, offsets: int) -> None:
            progress.update(bar, description=f"{verb} {topic}", advance=offsets)

        yield Watch(sized, moved)
