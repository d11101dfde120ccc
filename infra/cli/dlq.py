"""`storyreel dlq`: records that a reader could not use."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.cli.options import DATA, DataOption, JsonOption, ReasonOption
from infra.cli.target import target_settings
from infra.dead_letter_box import Letter, chosen
from infra.dlq import read_letters, redriving
from infra.operators import record_act
from infra.settings import Settings
from schemas.errors import ConfigurationError

app = App(name="dlq", help="Dead letters: records that a reader could not use.")


@app.command(name="list")
def list_letters(
    *,
    limit: Annotated[int | None, Parameter(help="Only this many, the newest.")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Show dead letters, the oldest first: where each record was, who could not use it and why."""
    if limit is not None and limit < 0:
        raise ConfigurationError(f"--limit is {limit}, it must be 0 or more")
    letters = asyncio.run(read_letters(target_settings(data).kafka))
    shown = letters if limit is None else letters[max(0, len(letters) - limit) :]
    if as_json:
        sys.stdout.write(msgspec.json.encode(shown).decode() + "\n")
    elif shown:
        Console().print(letter_table(shown))
    else:
        sys.stdout.write("no dead letters\n")


@app.command
def redrive(
    *offsets: Annotated[int, Parameter(help="Offsets of letters, as `dlq list` shows them.")],
    every: Annotated[bool, Parameter(name="--all", negative="", help="All that may be and were not sent.")] = False,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask before --all.")] = False,
    reason: ReasonOption = "",
    data: DataOption = DATA,
) -> None:
    """Send records again to the topic and partition they came from, each at most once.

    Only whole records of requests and reports are sent. One offset that must not be sent stops all of them.
    """
    if every == bool(offsets):
        raise ConfigurationError("name offsets or --all, one of the two")
    settings = target_settings(data)
    wanted: Sequence[int] = _waiting(asyncio.run(read_letters(settings.kafka))) if every else offsets
    if every and (not wanted or not (yes or confirmed(len(wanted)))):
        sys.stdout.write("sent: 0\n")
        return
    asyncio.run(_redrive(settings, wanted, reason))


def _waiting(letters: Sequence[Letter]) -> list[int]:
    """Offsets of the letters that may be sent and were not; says how many must not."""
    refused = sum(one.refusal is not None for one in letters)
    if refused:
        sys.stdout.write(f"left alone: {refused} that must not be sent again; `storyreel dlq list` tells why\n")
    return [one.offset for one in letters if state_of(one) == "waiting"]


async def _redrive(settings: Settings, offsets: Sequence[int], reason: str) -> None:
    async with redriving(settings.kafka) as box:
        letters = chosen(box.letters, offsets)
        for offset in sorted(set(offsets) - {one.offset for one in letters}):
            sys.stdout.write(f"dead letter {offset} was sent before, nothing to do\n")
        if letters:
            sent = ", ".join(str(letter.offset) for letter in letters)
            await record_act(settings, "dlq redrive", "dead.letters", reason=reason, detail=f"offsets {sent}")
        for letter in letters:
            await box.send(letter)
            sys.stdout.write(f"dead letter {letter.offset} sent to {letter.topic}[{letter.partition}]\n")
            sys.stdout.flush()
        sys.stdout.write(f"sent: {len(letters)}\n")


def confirmed(count: int) -> bool:
    """Ask a person. Raises `ConfigurationError` where nobody can answer."""
    if not sys.stdin.isatty():
        raise ConfigurationError(f"--all would send {count} records and nobody can be asked: add --yes")
    sys.stdout.write(f"send {count} records again? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def letter_table(letters: Sequence[Letter]) -> Table:
    """One row a letter. `state`: redriven, refused (with the rule in the next column), or waiting."""
    table = Table(box=None, pad_edge=False)
    for heading in ("offset", "time", "from", "reader", "error", "size", "state", "reason"):
        table.add_column(heading, justify="right" if heading in ("offset", "size") else "left")
    for letter in letters:
        why = f"{letter.reason} (refused: {letter.refusal})" if letter.refusal else letter.reason
        table.add_row(
            str(letter.offset),
            letter.time.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00") + "Z",
            _shown(f"{letter.topic}[{letter.partition}]@{letter.source_offset}" if letter.topic else "?"),
            _shown(letter.reader),
            _shown(letter.error),
            str(letter.size),
            state_of(letter),
            _shown(why),
        )
    return table


def state_of(letter: Letter) -> str:
    """One word for what can be done with a letter."""
    if letter.redriven:
        return "redriven"
    return "refused" if letter.refusal else "waiting"


def _shown(text: str) -> Text:
    """Text of strangers without codes that a terminal would obey."""
    return Text("".join(c if c.isprintable() else "·" for c in text))
