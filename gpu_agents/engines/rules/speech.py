"""Prose paragraphs to narration and speech: quotations in “ ”, 「 」, 『 』 and " ", and who said them."""

from __future__ import annotations

import re

from msgspec import Struct

from gpu_agents.engines.rules.cast import EN_SAY, ZH_SAY
from gpu_agents.engines.rules.language import count, has_words, join

_QUOTE = re.compile(r"“[^“”]*”|「[^「」]*」|『[^『』]*』|\"[^\"]*\"")
_LAST_SENTENCE = re.compile(r"[^。！？!?.”」\"]{0,80}[：:，,]?\s*$")
_SAYS = re.compile(rf"\b(?:{EN_SAY})\b|{ZH_SAY}")
_AFTER_EN = re.compile(rf"\s*(?:[^,.;!?\"]{{0,40}}\s)?(?:{EN_SAY})\b[^,.;!?\"]{{0,40}}[,.;]?")
_AFTER_ZH = re.compile(rf"\s*[^。！？，,；“「]{{0,12}}(?:{ZH_SAY})[^。！？，,；“「]{{0,4}}[。，,；！]?")
_ENDS = "。！？…—.!?,，"


class Segment(Struct, frozen=True):
    """Narration (`quote` false) or the words of a quotation with the clause that says who speaks."""

    text: str
    quote: bool = False
    attribution: str = ""


def segments(paragraph: str) -> list[Segment]:
    """Narration and quotations in order. A quoted word inside a sentence (a name, a title) stays narration."""
    result: list[Segment] = []
    narration, position = "", 0
    for match in _QUOTE.finditer(paragraph):
        if match.start() < position:
            continue
        inner = match.group()[1:-1].strip()
        narration = join(narration, paragraph[position : match.start()].strip())
        position = match.end()
        if not _is_speech(narration, inner):
            narration += match.group()
            continue
        narration, before = _split_attribution(narration)
        after = _AFTER_EN.match(paragraph, position) or _AFTER_ZH.match(paragraph, position) if not before else None
        position = after.end() if after else position
        if has_words(narration):
            result.append(Segment(narration))
        result.append(Segment(inner, quote=True, attribution=before or (after.group().strip() if after else "")))
        narration = ""
    narration = join(narration, paragraph[position:].strip())
    if has_words(narration):
        result.append(Segment(narration))
    return result


def _is_speech(before: str, inner: str) -> bool:
    if not has_words(inner):
        return False
    opens = not before or before[-1] in '：:，,。！？!?.…”」"'
    return before[-1:] in ("：", ":") or (opens and (inner[-1] in _ENDS or sum(count(inner)) > 4))


def _split_attribution(narration: str) -> tuple[str, str]:
    """(narration that stays, attribution). A long attribution tells a deed as well and stays narration too."""
    if not narration.endswith(("：", ":", "，", ",")):
        return narration, ""
    match = _LAST_SENTENCE.search(narration[-100:])
    clause = match.group() if match else ""
    if not clause or not (clause.endswith(("：", ":")) or _SAYS.search(clause)):
        return narration, ""
    rest = narration[: len(narration) - len(clause)].strip()
    deed = re.split(r"[，,]", clause.rstrip("：:，, "))[:-1]
    han, words = count("，".join(deed))
    kept = "，".join(deed) + "。" if han >= 4 else ", ".join(part.strip() for part in deed) + "." if words >= 3 else ""
    return join(rest, kept), clause
