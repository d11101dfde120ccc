"""Scripts to elements: Fountain (https://fountain.io/syntax), Chinese screenplays and prose, in one pass over the lines."""

from __future__ import annotations

import re

from gpu_agents.engines.rules import headings
from gpu_agents.engines.rules.elements import Element, Script, display_name
from gpu_agents.engines.rules.language import has_words, join, join_all

_EMPHASIS = re.compile(r"(?<!\\)[*_]{1,3}")
_BREAK = re.compile(r"(?:[*＊]\s*){3,}|-{3,}|—{2,}|={3,}|(?:·\s*){3,}|#{1,6}")
_PARENTHETICAL = re.compile(r"[(（]([^()（）]*)[)）]")


def remove_between(text: str, opening: str, closing: str) -> str:
    """`text` without the parts from `opening` to `closing` (Fountain notes and boneyards); an unclosed one stays."""
    kept: list[str] = []
    position = 0
    while (start := text.find(opening, position)) >= 0 and (end := text.find(closing, start + len(opening))) >= 0:
        kept.append(text[position:start])
        position = end + len(closing)
    return "".join(kept) + text[position:]


def parse(text: str, known_names: list[str]) -> Script:
    """Elements of `text` (cleaned: Unix line ends). `known_names` help to tell `Lin: …` from other lines with a colon."""
    text = remove_between(remove_between(text, "/*", "*/"), "[[", "]]")
    return _Parser(text.split("\n"), frozenset(name.casefold() for name in known_names)).run()


class _Parser:
    """Walks over the lines once; a paragraph of action is kept open until a blank line or another element."""

    def __init__(self, lines: list[str], known: frozenset[str]) -> None:
        self._lines = [line.strip() for line in lines]
        self._raw = lines
        self._known = known
        self._elements: list[Element] = []
        self._paragraph: list[str] = []
        self._names: dict[str, None] = {}
        self._title = ""
        self._screenplay = False

    def run(self) -> Script:
        at = self._title_page()
        while at < len(self._lines):
            at = self._line(at)
        self._close()
        if self._screenplay:  # Fountain's sections are an outline there; without headings they stand for scenes
            self._elements = [element for element in self._elements if element.kind != "break" or not element.text]
        return Script(self._title, self._elements, self._screenplay, list(self._names))

    def _title_page(self) -> int:
        at = next((index for index, line in enumerate(self._lines) if line), 0)
        if not self._lines or headings.title_key(self._lines[at]) is None:
            return self._prose_title(at)
        while at < len(self._lines) and self._lines[at]:
            pair = headings.title_key(self._lines[at])
            if pair and pair[0] in ("title", "标题", "片名"):
                self._title = _plain(pair[1] or (self._lines[at + 1] if at + 1 < len(self._lines) else ""))
            elif pair is None and not self._raw[at][:1].isspace():
                break
            at += 1
        return at

    def _prose_title(self, at: int) -> int:
        """A short first line without a full stop that stands alone is the title, as is 《…》 or a leading `# …`."""
        line = self._lines[at] if at < len(self._lines) else ""
        alone = at + 1 < len(self._lines) and not self._lines[at + 1] and any(self._lines[at + 2 :])
        named = line.startswith("《") and line.endswith("》")
        plain = _plain(line.strip("《》# "))
        if not alone or not has_words(plain) or len(plain) > 40 or headings.heading(line) is not None:
            return at
        if (
            named
            or line.startswith("# ")
            or (plain[-1].isalnum() and not _starts_element(line) and len(plain.split()) <= 8)
        ):
            self._title = plain
            return at + 1
        return at

    def _line(self, at: int) -> int:
        line = self._lines[at]
        after_blank = at == 0 or not self._lines[at - 1]
        if not line:
            self._close()
            return at + 1
        if line.startswith("!"):
            self._paragraph.append(_plain(line[1:]))
            return at + 1
        if self._heading(line) or self._marker(line):
            return at + 1
        name = headings.cue(line) if after_blank or line.startswith("@") else None
        if name and at + 1 < len(self._lines) and self._lines[at + 1]:
            return self._dialogue(name[0], name[1], at + 1)
        spoken = headings.spoken_line(line, self._known)
        if spoken:
            self._screenplay = self._screenplay or not any(mark in spoken[2][:1] for mark in '“「『"')
            self._speech(spoken[0], spoken[2], spoken[1])
            return at + 1
        self._paragraph.append(_plain(line))
        return at + 1

    def _heading(self, line: str) -> bool:
        place = headings.heading(line)
        if place is not None:
            self._close()
            self._screenplay = self._screenplay or not headings.is_numbered(line)
            inside = {True: "INT", False: "EXT", None: ""}[headings.interior(line)]
            self._elements.append(Element("heading", _plain(place), manner=inside))
            return True
        extra = headings.meta(line)
        if extra is None:
            return False
        self._close()
        last = self._elements[-1] if self._elements else None
        if last is not None and last.kind == "heading":
            self._elements[-1] = Element("heading", f"{last.text}，{extra}".strip("，"), manner=last.manner)
        else:
            self._elements.append(Element("heading", extra))
        return True

    def _marker(self, line: str) -> bool:
        """Transitions, sections, synopses, rules and the end card."""
        kind = headings.transition(line)
        if kind is not None:
            self._close()
            self._elements.append(Element("transition", kind))
        elif _BREAK.fullmatch(line):
            self._close()
            self._elements.append(Element("break", ""))
        elif line.startswith("#"):
            self._close()
            self._elements.append(Element("break", _plain(line.lstrip("# "))))
        elif line.startswith("=") or headings.is_end(line):
            self._close()
        else:
            return False
        return True

    def _dialogue(self, name: str, extension: str, at: int) -> int:
        self._screenplay = True
        manner = extension if headings.off_screen(extension) else ""
        words: list[str] = []
        while at < len(self._lines) and self._lines[at]:
            line = self._lines[at]
            parenthetical = _PARENTHETICAL.fullmatch(line)
            if parenthetical:
                manner = join(manner, parenthetical.group(1))[:60]
            else:
                words.append(_plain(line.lstrip("~")))
            at += 1
        self._speech(name, join_all(words), manner)
        return at

    def _speech(self, name: str, words: str, manner: str) -> None:
        self._close()
        speaker = display_name(name)
        bare = words.strip('“”「」『』" ')
        if has_words(bare):
            self._names.setdefault(speaker)
            self._elements.append(Element("speech", bare, speaker, manner))

    def _close(self) -> None:
        text = join_all(self._paragraph)
        if has_words(text):
            self._elements.append(Element("action", text))
        self._paragraph = []


def _plain(text: str) -> str:
    """Text without emphasis marks, centring and lyric marks."""
    return _EMPHASIS.sub("", text).replace("\\*", "*").strip("<>~ \t")


def _starts_element(line: str) -> bool:
    return (
        line[:1] in ".!@>~=[(" or headings.cue(line) is not None or headings.spoken_line(line, frozenset()) is not None
    )
