"""The words a picture is made from: place, time, weather, what happens and who is seen, in the language of the script."""

from __future__ import annotations

import re

from gpu_agents.engines.rules.language import has_words
from gpu_agents.engines.rules.shots import Beat
from schemas.specs import Language, Mood

MAX_CHARACTERS = 500
_ACTION = {"zh": 120, "en": 300}
_MANNERS: dict[Mood, tuple[str, str]] = {
    "neutral": ("神情专注", "attentive"),
    "happy": ("面带笑意", "smiling"),
    "calm": ("神情平静", "calm"),
    "tense": ("神情紧张", "tense"),
    "sad": ("神情忧伤", "sorrowful"),
    "mysterious": ("神情神秘", "with a secretive look"),
    "epic": ("神情坚定", "resolute"),
    "romantic": ("目光温柔", "with a tender look"),
}
_SPACE = re.compile(r"\s+")


def prompt(beat: Beat, mood: Mood, language: Language) -> str:
    """1-500 characters: the scene's place, time and weather in every shot, then the action, then people not yet named."""
    action = _trim(_SPACE.sub(" ", beat.action).strip(" 。.，,;；"), _ACTION[language])
    seen = action.casefold()
    people = [name for name in beat.people if name.casefold() not in seen]
    if beat.kind == "speech":
        people = [name for name in people if name != beat.speaker and not beat.off_screen]
        action = _sentence([action, _speaking(beat, mood, language)], language)
    text = _sentence([*_scene(beat, seen, language), *people, action], language)
    text = text if has_words(text) else _trim(_SPACE.sub(" ", beat.source), _ACTION[language])
    return text[:MAX_CHARACTERS].strip() or ("一个人" if language == "zh" else "a person")


def _scene(beat: Beat, seen: str, language: Language) -> list[str]:
    """Place, time and (outdoors) weather as far as the action does not name them itself."""
    setting = beat.setting
    named = (setting.place, setting.time, "" if setting.indoors else setting.weather)
    words = [word for word in named if word and word.casefold() not in seen]
    if setting.indoors and not _says_inside(setting.place, language):
        words.insert(1 if setting.place in words else 0, "室内" if language == "zh" else "interior")
    return [word for index, word in enumerate(words) if not any(word in other for other in words[:index])]


def _speaking(beat: Beat, mood: Mood, language: Language) -> str:
    """Who is seen while the words are said: the speaker with the look of the mood, or those who listen."""
    zh = language == "zh"
    who = beat.speaker or ("人物" if zh else "a person")
    if beat.off_screen:
        listeners = ("、" if zh else " and ").join(beat.people) or who
        return f"{listeners}静静听着" if zh else f"{listeners} listening"
    if zh:
        return f"{who}{beat.manner}说话，{_MANNERS[mood][0]}" if beat.manner else f"{who}正在说话，{_MANNERS[mood][0]}"
    return f"{who} speaking{f' {beat.manner}' if beat.manner else ''}, {_MANNERS[mood][1]}"


def _says_inside(place: str, language: Language) -> bool:
    return (
        any(word in place for word in ("内", "里", "室"))
        if language == "zh"
        else "interior" in place or "room" in place
    )


def _sentence(parts: list[str], language: Language) -> str:
    return ("，" if language == "zh" else ", ").join(part for part in parts if part)


def _trim(text: str, length: int) -> str:
    """At most `length` characters, ended at a word or a clause where there is one."""
    if len(text) <= length:
        return text
    cut = text[:length]
    at = max(cut.rfind(mark) for mark in " ，。,.")
    return cut[:at].rstrip(" ，。,.") if at > length // 2 else cut
