"""The whole way from a script to a storyboard: parse, split, time, direct, describe."""

from __future__ import annotations

from msgspec.structs import replace

from gpu_agents.engines.rules import fountain
from gpu_agents.engines.rules.cast import Cast, discover, spellings
from gpu_agents.engines.rules.direction import Direction, direct
from gpu_agents.engines.rules.elements import Script
from gpu_agents.engines.rules.language import clean, count, detect, has_words, shorten
from gpu_agents.engines.rules.notes import notes
from gpu_agents.engines.rules.prompts import prompt
from gpu_agents.engines.rules.shots import MAX_SPOKEN_SECONDS, Beat, beats
from gpu_agents.engines.rules.speech import segments
from gpu_agents.engines.rules.timing import TICKS_PER_SECOND, plan
from schemas.errors import RenderError
from schemas.specs import Language, ScriptSpec, StoryboardDraft, StoryboardShot

MAX_TEXT = 100_000
_SOURCE_LIMIT = 600
_TITLE_LIMIT = 60


def draft(spec: ScriptSpec) -> StoryboardDraft:
    """The storyboard of `spec.text` (at most 100,000 characters), the same for the same spec.

    Raises `RenderError`: "script_empty" when nothing is left to show, "script_too_long", "script_invalid" for bad lengths
    or a language other than zh and en.
    """
    text = clean(spec.text)
    language = _check(spec, text)
    script = fountain.parse(text, [name for person in spec.characters for name in spellings(person.name)])
    cast = Cast(spec.characters, _names(script))
    told = beats(script, cast)
    if not told:
        raise RenderError("text: holds nothing to show besides notes, titles or headings", code="script_empty")
    plan_ = plan(told, spec.target_duration, spec.max_duration)
    kept = _renumber([told[index] for index in plan_.kept])
    seconds = [ticks / TICKS_PER_SECOND for ticks in plan_.ticks]
    numbers = _numbers(kept)
    shots = [
        _shot(beat, way, length, number, language=language, cast=cast)
        for beat, way, length, number in zip(kept, direct(kept), seconds, numbers, strict=True)
    ]
    total = sum(seconds)
    return StoryboardDraft(
        title=_title(script, kept, language),
        language=language,
        shots=shots,
        duration=total,
        notes=notes(spec, language, told, plan_, total),
    )


def _check(spec: ScriptSpec, text: str) -> Language:
    if sum(count(text[: MAX_TEXT + 1])) < 2:
        raise RenderError("text: needs at least two words or characters to show", code="script_empty")
    if len(text) > MAX_TEXT:
        raise RenderError(f"text: at most {MAX_TEXT} characters, got {len(text)}", code="script_too_long")
    if not 1.0 <= spec.max_duration < float("inf"):
        raise RenderError(f"max_duration: at least 1 second, got {spec.max_duration}", code="script_invalid")
    if not 0.0 <= spec.target_duration < float("inf"):
        raise RenderError(
            f"target_duration: 0 or a positive number of seconds, got {spec.target_duration}", code="script_invalid"
        )
    asked = spec.language.lower().replace("_", "-").split("-")[0]
    if asked in {"zh", "en"}:
        return "zh" if asked == "zh" else "en"
    if asked:
        raise RenderError(f"language: zh, en or empty to detect it, got {spec.language!r}", code="script_invalid")
    return detect(text)


def _names(script: Script) -> list[str]:
    """Speakers of cues, then people found in prose."""
    actions = [element.text for element in script.elements if element.kind == "action"]
    clauses = [segment.attribution for text in actions for segment in segments(text) if segment.attribution]
    return list(dict.fromkeys([*script.names, *discover(actions, clauses)]))


def _renumber(kept: list[Beat]) -> list[Beat]:
    """Scenes 1, 2, … without gaps after shots were dropped."""
    order = {scene: number for number, scene in enumerate(dict.fromkeys(beat.scene for beat in kept), start=1)}
    return [replace(beat, scene=order[beat.scene]) for beat in kept]


def _numbers(kept: list[Beat]) -> list[int]:
    counted: dict[int, int] = {}
    result = []
    for beat in kept:
        counted[beat.scene] = counted.get(beat.scene, 0) + 1
        result.append(counted[beat.scene])
    return result


def _shot(beat: Beat, way: Direction, seconds: float, number: int, *, language: Language, cast: Cast) -> StoryboardShot:
    spoken = shorten(beat.spoken, MAX_SPOKEN_SECONDS)
    return StoryboardShot(
        id=f"s{beat.scene:02d}-{number:02d}",
        prompt=prompt(beat, way.mood, language),
        duration=seconds,
        scene=beat.scene,
        heading=beat.heading,
        camera=way.camera,
        lighting=way.lighting,
        mood=way.mood,
        transition=way.transition,
        characters=list(beat.people),
        character_id=cast.character_id(beat.people),
        dialogue=spoken if beat.kind == "speech" else "",
        speaker=beat.speaker,
        narration=spoken if beat.kind == "action" else "",
        source_text=beat.source[:_SOURCE_LIMIT],
    )


def _title(script: Script, kept: list[Beat], language: Language) -> str:
    """The script's own title, else its first words."""
    if has_words(script.title):
        return script.title[:_TITLE_LIMIT]
    words = shorten(kept[0].source, 4.0) or kept[0].source
    return words.strip("。.，, ")[:_TITLE_LIMIT] or ("无题" if language == "zh" else "Untitled")
