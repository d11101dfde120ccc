"""Subtitles as text: breaking lines, splitting a long line into cues, SubRip files. Pure.

Chinese breaks between any two characters except before closing and after opening marks; Latin text breaks at spaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from math import ceil

from msgspec import Struct

from schemas.specs import Language

Measure = Callable[[str], float]
MAX_LINES = 2
CLOSING = "，。、；：？！…—）》」』】〉”’％,.;:?!)]}%"
OPENING = "（《「『【〈“‘([{"
_TOKEN = re.compile(
    r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\u3000-\u30ff“”‘’—…]|\s+|[^\s\u2e80-\uffef“”‘’—…]+|."
)
_SENTENCE = re.compile(r".+?(?:[。！？；…]+[”’」』）]*|[.!?;]+[\"')\]]*(?=\s|$)|$)", re.DOTALL)


class Cue(Struct, frozen=True, kw_only=True):
    """Text on screen from `start` to `end` seconds. `lines` are already broken; `prefix` is the speaker's part of the first."""

    start: float
    end: float
    lines: tuple[str, ...]
    prefix: str = ""

    @property
    def text(self) -> str:
        """The lines as they are written into a subtitle file."""
        return "\n".join(self.lines)


def speaker_prefix(speaker: str, language: Language) -> str:
    """How a speaker's name stands before the line: `Mei: ` or `小梅：`; "" without a speaker."""
    name = " ".join(speaker.split())
    return f"{name}{'：' if language == 'zh' else ': '}" if name else ""


def wrap(text: str, measure: Measure, limit: float) -> list[str]:
    """Break text into lines no wider than `limit` (in the unit of `measure`), as even in width as the line count allows.

    A single word wider than the limit is cut between characters.
    """
    tokens = _tokens(text, measure, limit)
    lines = _fill(tokens, measure, limit)
    if len(lines) < 2:
        return lines
    low, high = limit / len(lines) / 2, limit
    for _ in range(8):
        middle = (low + high) / 2
        attempt = _fill(tokens, measure, middle)
        if len(attempt) <= len(lines) and all(measure(line) <= limit for line in attempt):
            lines, high = attempt, middle
        else:
            low = middle
    return lines


def make_cues(
    text: str, prefix: str, start: float, end: float, measure: Measure, limit: float, max_lines: int = MAX_LINES
) -> list[Cue]:
    """The cues of one shot from `start` to `end` seconds, each at most `max_lines` long, timed by their share of the text."""
    flat = " ".join(text.split())
    if not flat:
        return []
    pages = _pages(flat, prefix, measure, limit, max_lines)
    weights = [sum(map(len, page)) for page in pages]
    cues, passed, total = [], 0, sum(weights)
    for page, weight in zip(pages, weights, strict=True):
        begin = start + (end - start) * passed / total
        passed += weight
        cues.append(Cue(start=begin, end=start + (end - start) * passed / total, lines=tuple(page), prefix=prefix))
    return cues


def to_srt(cues: Iterable[Cue]) -> str:
    """A SubRip file. An empty list gives an empty text."""
    blocks = [
        f"{number}\n{_timestamp(cue.start)} --> {_timestamp(cue.end)}\n{_plain(cue.text)}\n"
        for number, cue in enumerate(cues, start=1)
    ]
    return "\n".join(blocks)


def _pages(text: str, prefix: str, measure: Measure, limit: float, max_lines: int) -> list[list[str]]:
    pages: list[list[str]] = []
    pending = ""
    for sentence in _SENTENCE.findall(text):
        if pending and len(wrap(prefix + pending + sentence, measure, limit)) > max_lines:
            pages.extend(_split(pending, prefix, measure, limit, max_lines))
            pending = sentence.lstrip()
        else:
            pending += sentence
    return pages + (_split(pending, prefix, measure, limit, max_lines) if pending.strip() else [])


def _split(text: str, prefix: str, measure: Measure, limit: float, max_lines: int) -> list[list[str]]:
    """One page where the text fits; otherwise pages of nearly the same number of lines, the speaker on the first."""
    lines = wrap(prefix + text.strip(), measure, limit)
    count = ceil(len(lines) / max_lines)
    size = ceil(len(lines) / count)
    return [lines[offset : offset + size] for offset in range(0, len(lines), size)]


def _tokens(text: str, measure: Measure, limit: float) -> list[str]:
    """Unbreakable pieces: single Chinese characters with the marks that cling to them, words, spaces."""
    tokens: list[str] = []
    for piece in _TOKEN.findall(text):
        clings = tokens and not piece.isspace() and (piece[0] in CLOSING or tokens[-1][-1] in OPENING)
        if clings and not tokens[-1].isspace():
            tokens[-1] += piece
        elif measure(piece) > limit:
            tokens.extend(piece)
        else:
            tokens.append(piece)
    return tokens


def _fill(tokens: list[str], measure: Measure, limit: float) -> list[str]:
    lines: list[str] = []
    line = ""
    for token in tokens:
        if line and measure((line + token).rstrip()) > limit:
            lines.append(line.rstrip())
            line = token.lstrip()
        else:
            line += token
    return [*lines, line.rstrip()] if line.strip() else lines


def _timestamp(seconds: float) -> str:
    millis = round(seconds * 1000)
    return f"{millis // 3_600_000:02}:{millis // 60_000 % 60:02}:{millis // 1000 % 60:02},{millis % 1000:03}"


def _plain(text: str) -> str:
    """Keep a text from looking like a cue's timing line."""
    return text.replace("-->", "→")
