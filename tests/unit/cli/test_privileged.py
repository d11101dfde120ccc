"""Every command is on the page about audits: either with the event that it leaves, or among those that leave none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from cyclopts import App

from infra.cli.app import build_app
from schemas.topics import TOPIC_OF
from tests.unit.test_docs import DOCS

PAGE = (DOCS / "audit.md").read_text(encoding="utf-8")
CODE = ("infra/cli", "infra/erasure", "projections/cli.py")


def commands(app: App, prefix: tuple[str, ...] = ()) -> Iterator[str]:
    """Names of everything that can be called."""
    for name in app:
        if name.startswith("-"):
            continue
        found = app[name]
        if found.default_command is not None:
            yield " ".join((*prefix, name))
        yield from commands(found, (*prefix, name))


def privileged() -> dict[str, list[str]]:
    """Command to the names of its events, as the table has them."""
    table = PAGE.partition("| privileged |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([^`]+)` \| ([\w, ]+) \|", table, re.MULTILINE)
    return {command: events.split(", ") for command, events in rows}


def harmless() -> set[str]:
    """The commands that the page names as those that leave no record."""
    text = PAGE.partition("No record is left by")[2].partition("\n\n")[0]
    return set(re.findall(r"`([^`]+)`", text))


def test_every_command_is_judged_on_the_page() -> None:
    known = set(commands(build_app()))
    assert known == set(privileged()) | harmless()
    assert not set(privileged()) & harmless()


def test_the_events_of_privileged_commands_exist_and_their_acts_are_written() -> None:
    events = {name for names in privileged().values() for name in names}
    assert events <= {record.__name__ for record in TOPIC_OF}
    root = Path(__file__).parents[3]
    files = [file for part in CODE for file in ([root / part] if part.endswith(".py") else (root / part).glob("*.py"))]
    writers = [text for file in files if "record_act(" in (text := file.read_text(encoding="utf-8"))]
    for command, names in privileged().items():
        if "OperatorActed" in names:
            assert any(re.search(rf'"{command}[ "]', text) for text in writers), command
