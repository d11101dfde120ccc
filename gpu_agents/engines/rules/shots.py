"""Elements to beats: one beat becomes one shot. Scenes are told apart here, places and people are followed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from gpu_agents.engines.rules import setting as settings
from gpu_agents.engines.rules.cast import Cast, has_pronoun
from gpu_agents.engines.rules.elements import Element, Script
from gpu_agents.engines.rules.headings import off_screen
from gpu_agents.engines.rules.language import join, join_all, pieces, sentences, speech_seconds
from gpu_agents.engines.rules.setting import Setting
from gpu_agents.engines.rules.speech import segments
from gpu_agents.engines.rules.vocabulary import CAMERAS

MAX_SPOKEN_SECONDS = 7.5
MERGED_SECONDS = 6.0
SHORT_SECONDS = 2.0
NARRATORS = frozenset({"narrator", "旁白", "画外音", "voice over", "解说"})


class Beat(Struct, frozen=True, kw_only=True):
    """One moment of the story: what is seen (`action`), what is said (`spoken`, by `speaker`, "" = narrator), where."""

    kind: Literal["action", "speech"]
    source: str
    action: str
    spoken: str = ""
    speaker: str = ""
    scene: int = 1
    heading: str = ""
    setting: Setting = Setting()
    people: tuple[str, ...] = ()
    manner: str = ""  # how it is said
    off_screen: bool = False  # the speaker is heard, `people` are seen
    transition: str = ""  # ordered by the script, "" = to be chosen


def beats(script: Script, cast: Cast) -> list[Beat]:
    """Beats of the whole script in order, scenes numbered from 1; every scene that is named gets at least one."""
    return _Builder(script, cast).run()


class _Builder:
    """Walks over the elements and keeps the scene, its setting, the open action beat and the people talked about."""

    def __init__(self, script: Script, cast: Cast) -> None:
        self._script = script
        self._cast = cast
        self._beats: list[Beat] = []
        self._open: list[str] = []
        self._open_seconds = 0.0
        self._open_camera = ""
        self._setting = self._now = Setting()  # `_now` knows the open sentences as well
        self._heading = ""
        self._scene = 1
        self._last_person = ""
        self._speakers: list[str] = []

    def run(self) -> list[Beat]:
        for element in self._script.elements:
            if element.kind == "heading":
                self._new_scene(settings.from_heading(element.text, element.manner, self._setting), element.text)
            elif element.kind == "break":
                self._break(element.text)
            elif element.kind == "transition":
                self._flush()
                if self._beats:
                    self._beats[-1] = replace(self._beats[-1], transition=element.text)
            elif element.kind == "speech":
                self._speech(element.text, self._cast.name(element.speaker), element.manner)
            else:
                self._paragraph(element)
        self._flush(establish=True)
        return self._beats

    def _new_scene(self, setting: Setting, heading: str) -> None:
        self._flush(establish=True)
        if self._beats:
            self._scene = self._beats[-1].scene + 1
        self._setting = self._now = setting
        self._heading = heading[:120]
        self._speakers = []

    def _break(self, heading: str) -> None:
        self._new_scene(Setting(time=self._setting.time, time_kind=self._setting.time_kind), heading)

    def _paragraph(self, element: Element) -> None:
        opens = True
        speaker = ""
        for segment in segments(element.text):
            if segment.quote:
                speaker = self._who(segment.attribution, speaker)
                self._speech(segment.text, speaker, "")
            else:
                for sentence in sentences(segment.text):
                    self._sentence(sentence, opens)
                    opens = False
            opens = False
        if self._script.screenplay:
            self._flush()

    def _sentence(self, sentence: str, opens_paragraph: bool) -> None:
        if not self._script.screenplay:
            moved = settings.moved(self._now, sentence, opens_paragraph)
            if moved is not None:
                self._new_scene(moved, "")
        for piece in pieces(sentence, MAX_SPOKEN_SECONDS):
            cost = speech_seconds(piece)
            hit = CAMERAS.first(piece)
            camera = hit.meaning if hit else ""
            turns = bool(
                camera and self._open_camera and camera != self._open_camera and self._open_seconds >= SHORT_SECONDS
            )
            full = self._open_seconds >= 3.2 or self._open_seconds + cost > MERGED_SECONDS
            if self._open and (turns or full):
                self._flush()
            self._open.append(piece)
            self._now = settings.follow(self._now, piece)
            self._open_seconds += cost
            self._open_camera = self._open_camera or camera

    def _flush(self, establish: bool = False) -> None:
        """Close the open action beat. `establish`: a named scene that stayed empty gets a view of its place."""
        text = join_all(self._open)
        self._open, self._open_seconds, self._open_camera = [], 0.0, ""
        if text:
            self._setting = self._now = settings.follow(self._setting, text)
            spoken = "" if self._script.screenplay else text
            self._append(Beat(kind="action", source=text, action=text, spoken=spoken, people=self._people(text)))
        elif establish and self._heading and (not self._beats or self._beats[-1].scene != self._scene):
            self._append(Beat(kind="action", source=self._heading, action=""))

    def _append(self, beat: Beat) -> None:
        self._scene = self._scene if self._beats else 1
        self._beats.append(replace(beat, scene=self._scene, heading=self._heading, setting=self._setting))

    def _people(self, text: str) -> tuple[str, ...]:
        named = self._cast.mentions(text)
        if self._last_person and self._last_person not in named and has_pronoun(self._cast.before(text)):
            named = [self._last_person, *named]
        if named:
            self._last_person = named[0]
        return tuple(named[:4])

    def _speech(self, words: str, speaker: str, manner: str) -> None:
        lead = ""
        if self._open and self._open_seconds < SHORT_SECONDS:
            lead = join_all(self._open)
            self._open, self._open_seconds, self._open_camera = [], 0.0, ""
            self._setting = self._now = settings.follow(self._setting, lead)
        self._flush()
        last = self._beats[-1] if self._beats else None
        if not lead and self._script.screenplay and last is not None and self._is_lead(last):
            self._beats.pop()
            lead = last.source
        name = "" if speaker.casefold() in NARRATORS else speaker
        shown = self._people(lead) if lead else ()
        hidden = off_screen(manner)
        if hidden and name:
            shown = shown or ((self._last_person,) if self._last_person else ())
        elif name:
            shown = tuple(dict.fromkeys([name, *shown]))
            self._last_person = name
            self._speakers = [*(other for other in self._speakers if other != name), name][-2:]
        beat = Beat(
            kind="action" if speaker and not name else "speech",
            source="",
            action="",
            speaker=name,
            people=shown[:4],
            manner="" if hidden else manner,
            off_screen=hidden,
        )
        for number, piece in enumerate(pieces(words, MAX_SPOKEN_SECONDS)):
            first = lead if number == 0 else ""
            self._append(replace(beat, source=join(first, piece), action=first, spoken=piece))

    def _is_lead(self, beat: Beat) -> bool:
        """A very short unspoken action just before words is seen while they are said, unless it opens the scene."""
        opens = len(self._beats) < 2 or self._beats[-2].scene != beat.scene
        short = 0 < speech_seconds(beat.source) < SHORT_SECONDS and bool(beat.action)
        return beat.scene == self._scene and not (opens or beat.spoken or beat.transition) and short

    def _who(self, attribution: str, same_paragraph: str) -> str:
        """The speaker of a quotation in prose: named, meant by a pronoun, the one who spoke, or the other of two."""
        named = self._cast.mentions(attribution)
        if named:
            return named[0]
        if same_paragraph:
            return same_paragraph
        lead = self._cast.mentions(" ".join(self._open))
        if attribution or lead or len(self._speakers) < 2:
            return lead[0] if lead else self._last_person
        return self._speakers[0]
