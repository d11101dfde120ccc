"""What the parsers hand over: the elements of a script in their order."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["heading", "action", "speech", "transition", "break"]


class Element(Struct, frozen=True):
    """One element: `text` without markup; `speaker` and `manner` (the parenthetical) only for speech."""

    kind: Kind
    text: str
    speaker: str = ""
    manner: str = ""


class Script(Struct, frozen=True):
    """A parsed script. `screenplay`: it has scene headings or cues, so its action is shown and not read aloud."""

    title: str
    elements: list[Element]
    screenplay: bool
    names: list[str]  # speakers in the order of their first words


def display_name(name: str) -> str:
    """The name as people write it: MARA → Mara, 林夏 stays."""
    return name.title() if name.isupper() and len(name) > 1 else name
