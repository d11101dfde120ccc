"""Which language a client reads, from `Accept-Language` (RFC 9110 section 12.5.4)."""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]


def preferred_language(header: str) -> Language:
    """The offered language with the highest weight; the first one named wins a tie, English when neither is named."""
    best: tuple[float, Language] = (0.0, "en")
    for part in header.split(","):
        name, _, parameters = part.strip().partition(";")
        language = _offered(name)
        weight = _weight(parameters)
        if language is not None and weight > best[0]:
            best = (weight, language)
    return best[1]


def text_language(text: str) -> Language:
    """The language of a text by its letters: Chinese as soon as it holds a CJK ideograph."""
    return "zh" if any("\u3400" <= letter <= "\u9fff" for letter in text) else "en"


def _offered(name: str) -> Language | None:
    match name.strip().lower().partition("-")[0]:
        case "zh":
            return "zh"
        case "en" | "*":
            return "en"
        case _:
            return None


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
