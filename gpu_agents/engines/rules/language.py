"""Which language a script is in, how long its words take to say, and where its sentences and clauses end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from schemas.specs import Language

ZH_CHARS_PER_SECOND = 4.0
EN_WORDS_PER_SECOND = 2.6

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_HAN = re.compile(f"[{_CJK}]")
_WORD = re.compile(rf"[^\W_{_CJK}]+(?:['’-][^\W_{_CJK}]+)*")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200b\u2028\u2029\ufeff\ud800-\udfff]")
_LETTERS_PER_LONG_WORD = 14
# Every repetition inside the terminators is bounded, so that the search stays linear.
_SENTENCE = re.compile(
    r".+?(?:[。！？；!?…]{1,9}[”」』\"’)）]{0,3}|(?<!\bMr)(?<!\bMrs)(?<!\bDr)(?<!\bSt)\.{1,6}[”\"’)]{0,3}(?=\s|$)|$)",
    re.DOTALL,
)
_CLAUSE = re.compile(r".+?(?:[，、,;:：；—–]+\s*|$)", re.DOTALL)


def clean(text: str) -> str:
    """Unix line ends, no control characters, no lone surrogates: everything later may rely on it."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u3000", " "))


def count(text: str) -> tuple[int, int]:
    """(CJK characters, words of other scripts) in `text`; a very long run of letters counts as several words."""
    words = sum(1 + len(word) // _LETTERS_PER_LONG_WORD for word in _WORD.findall(text))
    return len(_HAN.findall(text)), words


def detect(text: str) -> Language:
    """Zh when CJK characters outnumber the words of other scripts, else en."""
    han, words = count(text)
    return "zh" if han > words else "en"


def speech_seconds(text: str) -> float:
    """Seconds to read `text` aloud: 4 characters or 2.6 words a second, whatever the mixture."""
    han, words = count(text)
    return han / ZH_CHARS_PER_SECOND + words / EN_WORDS_PER_SECOND


def has_words(text: str) -> bool:
    """Whether anything in `text` could be said or shown."""
    return bool(_HAN.search(text) or _WORD.search(text))


def sentences(text: str) -> Iterator[str]:
    """Sentences of `text` in order, stripped, closing quotation marks kept; pieces without any word are left out."""
    for match in _SENTENCE.finditer(text):
        sentence = match.group().strip()
        if has_words(sentence):
            yield sentence


def pieces(text: str, seconds: float) -> list[str]:
    """Cut `text` so that no piece takes longer than `seconds` to say: at sentences, then clauses, then words."""
    return _pack([part for sentence in sentences(text) for part in _fine(sentence, seconds)], seconds)


def shorten(text: str, seconds: float) -> str:
    """The leading part of `text` that can be said in `seconds`, ended at a clause."""
    if speech_seconds(text) <= seconds:
        return text
    cut = pieces(text, seconds)
    return cut[0].rstrip("，、,;:：；—– ") if cut else ""


def join(first: str, second: str) -> str:
    """Two pieces of text as one, with a space where the script needs one."""
    return join_all((first, second))


def join_all(parts: Iterable[str]) -> str:
    """`join` over many pieces in linear time."""
    result: list[str] = []
    last = ""
    for part in parts:
        if part:
            result.append(part if not last or ord(last[-1]) > 0x2E7F or ord(part[0]) > 0x2E7F else f" {part}")
            last = part
    return "".join(result)


def _fine(sentence: str, seconds: float) -> list[str]:
    if speech_seconds(sentence) <= seconds:
        return [sentence]
    result: list[str] = []
    for match in _CLAUSE.finditer(sentence):
        clause = match.group().strip()
        if speech_seconds(clause) <= seconds:
            result.append(clause)
        else:
            result.extend(_tokens(clause))
    return result


def _tokens(clause: str) -> list[str]:
    """Runs of eight CJK characters or single words: the last resort for text without punctuation."""
    return [token for token in re.findall(rf"[{_CJK}]{{1,8}}|[^\s{_CJK}]{{1,64}}", clause) if token]


def _pack(parts: list[str], seconds: float) -> list[str]:
    result: list[str] = []
    held, spent = "", 0.0
    for part in parts:
        cost = speech_seconds(part)
        if held and spent + cost > seconds:
            result.append(held)
            held, spent = "", 0.0
        held, spent = join(held, part), spent + cost
    return [*result, held] if has_words(held) else result
