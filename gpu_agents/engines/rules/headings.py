"""Which lines are headings, titles, transitions or cues: Fountain (https://fountain.io/syntax) and Chinese scripts."""

from __future__ import annotations

import re

from gpu_agents.engines.rules.vocabulary import CAMERAS
from schemas.specs import Transition

_FOUNTAIN = re.compile(r"(?:INT|EXT|EST|INT\.?/EXT|EXT\.?/INT|I/E)[. ]\s*(.*)", re.IGNORECASE)
_CHINESE = re.compile(r"(?:内外景|内/外景|内景|外景)\s*[.．、：:·—-]?\s*(.+)|(?:内|外)[\s.．、：:·]\s*(.+)")
_NUMBERED = re.compile(
    r"(?:场景|场次)\s*[0-9一二三四五六七八九十百]{1,4}\s*[：:、.．\s]?\s*(.*)"
    r"|第\s*[0-9一二三四五六七八九十百]{1,4}\s*[场幕章回节]\s*[：:、.．\s]?\s*(.*)"
    r"|(?:CHAPTER|Chapter|SCENE|Scene|ACT|Act|PART|Part)\s(?:\d{1,3}|[IVXLC]{1,6}|[A-Z][a-z]{2,6}|[A-Z]{3,6})\b[.:\s—-]*(.*)"
)
_SCENE_NUMBER = re.compile(r"\s*#[\w.-]{1,12}#\s*$")
_INSIDE = re.compile(r"(?:INT[. /]|内景|内[\s.．、：:·])", re.IGNORECASE)
_OUTSIDE = re.compile(r"(?:EXT[. /]|EST[. ]|外景|外[\s.．、：:·])", re.IGNORECASE)
_TITLE_KEY = re.compile(
    r"(title|credit|authors?|source|notes|draft date|date|contact|copyright|revision|标题|片名|作者|编剧)\s*[:：]\s*(.*)",
    re.IGNORECASE,
)
_META = re.compile(r"(时间|地点|天气)\s*[:：]\s*(.+)")
_CUE = re.compile(r"[A-Z][A-Z0-9 .'’\-]{0,38}(?:\s*\([^()]{1,30}\))?\s*\^?")
_CUE_NOTE = re.compile(r"\s*[(（]([^()（）]{0,30})[)）]\s*\^?$|\s*\^$")
_OFF_SCREEN = re.compile(r"\b(?:V\.?O|O\.?S|O\.?C)\b|画外|电话|广播", re.IGNORECASE)
_SPOKEN_LINE = re.compile(r"([^\W\d_]{1,12}(?: [^\W\d_]{1,12})?)\s*(?:[(（]([^()（）]{0,30})[)）])?\s*[：:]\s*(\S.*)")
_NOT_IN_NAMES = frozenset("的了着在是这那一不把说问道想有和就都场景时地点天气人物旁注第幕章话里到")
_TRANSITIONS: tuple[tuple[str, Transition], ...] = (
    ("SMASH CUT", "cut"),
    ("CUT TO", "cut"),
    ("CUT", "cut"),
    ("切至", "cut"),
    ("切到", "cut"),
    ("DISSOLVE", "crossfade"),
    ("叠化", "crossfade"),
    ("溶", "crossfade"),
    ("FADE", "fade"),
    ("淡出", "fade"),
    ("淡入", "fade"),
    ("WIPE", "wipe"),
    ("划", "wipe"),
)
_TRANSITION_LINE = re.compile(
    r"[A-Z ]{2,30} TO:|FADE (?:IN|OUT|TO BLACK)[:.]?|(?:切至|切到|叠化|淡出|淡入|溶接|划变)[至到：:。.]{0,2}.{0,8}"
)
_THE_END = re.compile(r"(?:the end|fin|end|剧终|全剧终|全文完|完)[.。!！]?", re.IGNORECASE)


def heading(line: str) -> str | None:
    """The place and time of a scene heading line, None when it is none. `INT. HOUSE - NIGHT #3#` → `HOUSE - NIGHT`."""
    bare = _SCENE_NUMBER.sub("", line)
    if len(bare) > 120:
        return None
    if bare.startswith(".") and len(bare) > 1 and (bare[1].isalnum() or bare[1] == " "):
        return bare[1:].strip() or None
    for pattern in (_FOUNTAIN, _CHINESE, _NUMBERED):
        match = pattern.match(bare)
        if match and (pattern is not _NUMBERED or len(bare) <= 60):
            return next((group for group in match.groups() if group), "").strip()
    return None


def is_numbered(line: str) -> bool:
    """Whether the heading is a numbered chapter or scene, which prose has as well as screenplays."""
    return bool(_NUMBERED.match(line))


def interior(line: str) -> bool | None:
    """True for INT./内景, False for EXT./EST./外景, None where the line does not say (or says both)."""
    inside, outside = bool(_INSIDE.match(line)), bool(_OUTSIDE.match(line))
    both = re.match(r"(?:INT\.?/EXT|EXT\.?/INT|I/E|内外景|内/外景)", line, re.IGNORECASE)
    return None if both or inside == outside else inside


def title_key(line: str) -> tuple[str, str] | None:
    """(key in lower case, value) of a line of the title page."""
    match = _TITLE_KEY.fullmatch(line)
    return (match.group(1).lower(), match.group(2).strip()) if match else None


def meta(line: str) -> str | None:
    """What `地点：…`, `时间：…`, `天气：…` adds to the heading."""
    match = _META.fullmatch(line)
    return match.group(2).strip() if match else None


def transition(text: str) -> Transition | None:
    """The transition a line orders (`CUT TO:`, `> FADE OUT.`, `切至：`), None for other lines."""
    forced = text.startswith(">") and not text.endswith("<")
    words = text.lstrip("> ").strip()
    if not forced and not _TRANSITION_LINE.fullmatch(words):
        return None
    return next((kind for key, kind in _TRANSITIONS if key in words.upper()), "cut")


def cue(line: str) -> tuple[str, str] | None:
    """(speaker, extension) of a Fountain cue: `@林夏`, `MARA (V.O.)` → MARA, V.O.; None for other lines."""
    if not line.startswith("@") and not _CUE.fullmatch(line):
        return None
    note = _CUE_NOTE.search(line)
    name = _CUE_NOTE.sub("", line.removeprefix("@")).strip()[:40]
    return (name, (note.group(1) or "") if note else "") if name else None


def spoken_line(line: str, known: frozenset[str]) -> tuple[str, str, str] | None:
    """(speaker, manner, words) of `林夏（轻声）：……` or `MARA: …`. Latin names must be upper case or `known`."""
    match = _SPOKEN_LINE.fullmatch(line)
    if match is None:
        return None
    name, manner, words = match.group(1), match.group(2) or "", match.group(3)
    if name.isascii():
        accepted = name.casefold() in known or (name.isupper() and len(name) > 1)
    else:
        plausible = len(name) <= 4 and not _NOT_IN_NAMES & set(name) and CAMERAS.first(name) is None
        accepted = name in known or plausible or name in ("旁白", "画外音")
    return (name, manner, words) if accepted else None


def off_screen(extension: str) -> bool:
    """Whether a speaker is heard and not seen: V.O., O.S., O.C., 画外音, 电话."""
    return bool(_OFF_SCREEN.search(extension))


def is_end(line: str) -> bool:
    """THE END, 剧终."""
    return bool(_THE_END.fullmatch(line.strip("> <")))
