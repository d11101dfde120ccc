"""Who is in the script: names from the characters given, from cues and from speech in prose, and who a pronoun means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from gpu_agents.engines.rules.elements import display_name
from schemas.specs import CharacterRef

MAX_NAMES = 60
ZH_SAY = "说道|问道|答道|喊道|笑道|叹道|应道|低语|喃喃|开口|嘟囔|回答|说|问|答|喊|叫|叹|念|唱|道"
EN_SAY = (
    "said|says|asked|asks|whispered|whispers|shouted|shouts|cried|cries|replied|replies|murmured|murmurs|called|calls"
    "|answered|answers|added"
)
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任沈姚卢姜崔钟谭陆汪范廖石韦贾夏"
    "付邹熊孟秦邱尹薛阎段侯史陶黎贺顾毛郝龚邵钱严覃武戴莫汤阿小"
)
_ROLES = (
    "老掌柜|掌柜|老和尚|和尚|老僧|僧人|住持|老人|老者|船夫|船家|渔夫|母亲|父亲|奶奶|爷爷|女孩|男孩|少年|少女|孩子|女人|男人|老师|医生|师父"
    "|将军|士兵|店小二|老板|守塔人|老妇人|婆婆"
)
_NO_GIVEN = set(
    "的了着在是不一有和就都上下中里外边面间水天色声头路阶桥子夜昏风雨雪地于时候向前后何来去走看说问道笑站坐把被从将对又也才再已曾经刚正很最太"
    "便朝跟给让点摇抬轻低大微缓忽提推拿望听想心手眼脸身转回沿穿伸握跑"
)
_ZH_SPEAKER = re.compile(rf"({_ROLES})|(?<![\u4e00-\u9fff])([{_SURNAMES}][\u4e00-\u9fff]{{1,2}})")
_EN_SPEAKER = re.compile(
    rf"\b(?:(?:{EN_SAY}) ([A-Z][a-z]+(?: [A-Z][a-z]+)?)|([A-Z][a-z]+(?: [A-Z][a-z]+)?) (?:{EN_SAY}))\b"
    rf"|\b(?:{EN_SAY}) the ((?:old |young |little )?(?:man|woman|keeper|captain|boy|girl|monk|mother|father|child"
    r"|stranger|sailor|librarian|doctor))\b"
)
_EN_ACTOR = re.compile(r"\b([A-Z][a-z]{2,})\s[a-z]+(?:ed|s|ew|ood|elt|an)\b")
_ZH_ACTOR = re.compile(rf"(?:^|(?<=[。！？，；：“「\s]))([{_SURNAMES[:-2]}])([\u4e00-\u9fff])([\u4e00-\u9fff])")
_NOT_NAMES = re.compile(
    "the|she|he|they|then|there|this|that|rain|snow|night|her|his|its|wind|light|and|but|nobody|everyone|someone|something"
    "|every|one|inside|outside|now|when|where|what|who|each|all|dawn|morning|evening|thunder|lightning|waves|water|day|storm",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"[他她]|\b(?:he|she|him|her|his)\b", re.IGNORECASE)


class Cast:
    """Finds names in a text. Pure once built; every spelling (alias) leads to one display name."""

    def __init__(self, references: list[CharacterRef], names: Iterable[str]) -> None:
        self._display: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        for reference in references:
            for spelling in spellings(reference.name):
                self._display.setdefault(spelling.casefold(), reference.name)
            self._ids.setdefault(reference.name, reference.character_id)
        for name in list(names)[:MAX_NAMES]:
            if name.strip():
                self._display.setdefault(name.casefold(), name)
        latin = [re.escape(key) for key in self._display if key.isascii()]
        han = [re.escape(key) for key in self._display if not key.isascii()]
        longest = sorted(latin, key=len, reverse=True)
        parts = [rf"(?<!\w)(?=[A-Z]|the\s)(?i:{'|'.join(longest)})(?!\w)"] if latin else []
        parts += ["|".join(sorted(han, key=len, reverse=True))] if han else []
        self._pattern = re.compile("|".join(parts)) if parts else None

    def mentions(self, text: str) -> list[str]:
        """Display names in the order of their first mention."""
        if self._pattern is None:
            return []
        found = (self._display.get(match.group().casefold(), "") for match in self._pattern.finditer(text))
        return list(dict.fromkeys(name for name in found if name))

    def before(self, text: str) -> str:
        """The part of `text` before the first name."""
        match = self._pattern.search(text) if self._pattern else None
        return text[: match.start()] if match else text

    def name(self, spelling: str) -> str:
        """The display name of a speaker as written in a cue."""
        return self._display.get(spelling.casefold(), spelling)

    def character_id(self, names: Iterable[str]) -> str:
        """The id of the first of `names` that is a known character, "" without one."""
        return next((self._ids[name] for name in names if name in self._ids), "")


def has_pronoun(text: str) -> bool:
    """Whether he, she, 他 or 她 (or a possessive) occurs."""
    return bool(_PRONOUN.search(text))


def spellings(name: str) -> list[str]:
    """A full name and its parts: "Lin Xia" → also "Lin", "Xia"; 欧阳雪梅 → also 雪梅; "林夏 (Lin Xia)" → all of them."""
    name = name.strip()
    parts = [part for part in re.split(r"[\s()（）/·,，]+", name) if part]
    shorter = [part[-2:] for part in parts if not part.isascii() and 3 <= len(part) <= 4]
    latin = [part for part in parts if part.isascii() and len(part) >= 3]
    han = [part for part in parts if not part.isascii() and len(part) >= 2]
    return list(dict.fromkeys(part for part in [name, *han, *latin, *shorter] if part))


def discover(paragraphs: list[str], clauses: list[str]) -> list[str]:
    """Names in prose: speakers in attribution `clauses` first, then people who act at least twice in `paragraphs`."""
    found: Counter[str] = Counter()
    for clause in clauses:
        found.update(filter(None, [speaker_in(clause)]))
    actors: Counter[str] = Counter()
    for text in paragraphs:
        actors.update(match.group(1) for match in _EN_ACTOR.finditer(text))
        actors.update(name for match in _ZH_ACTOR.finditer(text) if (name := _given(match.group())))
    spoken_by_pronoun = not found and any(has_pronoun(clause) for clause in clauses)
    least = 1 if spoken_by_pronoun else 2
    names = [name for name, times in actors.items() if times >= least and not _NOT_NAMES.fullmatch(name)]
    longer = {name[:2] for name in names if len(name) == 3 and not name.isascii()}
    return list(dict.fromkeys([*found, *(name for name in names if name not in longer)]))


def speaker_in(clause: str) -> str:
    """The speaker an attribution names: `林夏轻声说：` → 林夏, `said the old man` → the old man; "" without one."""
    match = _EN_SPEAKER.search(clause)
    if match:
        name = match.group(1) or match.group(2)
        if name is None:
            return f"the {match.group(3)}"
        return "" if _NOT_NAMES.fullmatch(name.split()[0]) else display_name(name)
    match = _ZH_SPEAKER.search(clause)
    if match is None:
        return ""
    return match.group(1) or _given(match.group(2))


def _given(name: str) -> str:
    """A surname with the one or two characters after it that can belong to a given name."""
    if len(name) < 2 or name[1] in _NO_GIVEN:
        return ""
    return name[:2] if len(name) < 3 or name[2] in _NO_GIVEN else name[:3]
