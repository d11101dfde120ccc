"""The `speech` engine: a line spoken by a voice of this machine.

Without any voice the result is silence as long as the text takes to read, so that films still come out; the summary says so.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np
from msgspec import Struct

from gpu_agents.engines.base import EngineKind, Estimate, OutputFile, RenderContext, RenderOutput
from gpu_agents.engines.speech.shaping import clean_text, level, reading_seconds, resample, trim
from gpu_agents.engines.speech.voices import Synthesizer, VoiceInfo, find_voice, open_voice
from gpu_agents.media.recipe import make_recipe
from gpu_agents.media.sound import AUDIO_TYPES, SAMPLE_RATE, Samples, WavWriter, deliver
from schemas.errors import RenderError
from schemas.specs import Language, Spec, SpeechSpec

DEFAULT_VOICES: dict[Language, str] = {"zh": "cmn", "en": "en-us"}
NORMAL_RATE: dict[Language, int] = {"zh": 175, "en": 160}  # words a minute in eSpeak's count
FASTEST = 420  # words a minute; beyond that nobody follows
MAX_TEXT = 10_000  # characters
NO_VOICE = "no speech synthesiser was found: install espeak-ng or the extra 'voice'; the line is silent"
_VOICE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,30}(\+[A-Za-z0-9_-]{1,20})?")


class Line(Struct, frozen=True, kw_only=True):
    """A finished line: 48 kHz mono samples, the voice ("" = silence) and the rate in words a minute it was spoken at."""

    samples: Samples
    voice: str
    rate: int
    note: str = ""


class SpeechEngine:
    """Speech engine for `SpeechSpec`: 48 kHz mono, WAV (16 bit) or MP3."""

    name: ClassVar[str] = "speech"
    kind: ClassVar[EngineKind] = EngineKind.SPEECH
    version: ClassVar[str] = "1.0"

    @classmethod
    def available(cls) -> VoiceInfo | None:
        """The synthesiser that will speak, or None when lines will be silent."""
        return find_voice()

    def setup(self) -> None:
        """Nothing to load: voices are opened by the first line."""

    def estimate(self, spec: Spec) -> Estimate:
        """One step; a synthesiser is far faster than reading."""
        line = _check(spec)
        return Estimate(seconds=0.2 + 0.02 * reading_seconds(line.text, line.language, line.speed), steps=1)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Make "main". Raises `RenderError` for an empty text or an unknown voice."""
        wanted = _check(spec)
        context.progress(0, 1)
        info = self.available()
        line = _silence(wanted) if info is None else _speak(wanted, info, context)
        wav = context.workdir / "speech.wav"
        with WavWriter(wav, channels=1) as file:
            file.write(line.samples)
        path = deliver(wav, wanted.output_format, context.check_cancelled)
        context.progress(1, 1)
        return self._output(wanted, line, path, info)

    def cancel(self) -> None:
        """Nothing beyond the context: a line takes a fraction of a second."""

    def _output(self, wanted: SpeechSpec, line: Line, path: Path, info: VoiceInfo | None) -> RenderOutput:
        seconds = len(line.samples) / SAMPLE_RATE
        voice = f"{info.name} {line.voice}" if info is not None else None
        parameters = {
            "voice": voice,
            "source": info.source if info is not None else None,
            "rate": line.rate,
            "language": wanted.language,
            "speed": wanted.speed,
            "max_seconds": wanted.max_seconds,
            "output_format": wanted.output_format,
        }
        summary = {"voice": voice, "duration": seconds, "rate": line.rate} | ({"note": line.note} if line.note else {})
        media = {"duration": seconds, "sample_rate": SAMPLE_RATE, "channels": 1, "voice": voice}
        main = OutputFile(role="main", path=path, content_type=AUDIO_TYPES[wanted.output_format], media=media)
        libraries = ("numpy", "imageio-ffmpeg", *(("espeakng-loader",) if info and info.source == "library" else ()))
        recipe = make_recipe(self.name, self.version, wanted, parameters, {}, libraries)
        return RenderOutput(files=[main], recipe=recipe, summary=summary)


def _check(spec: Spec) -> SpeechSpec:
    if not isinstance(spec, SpeechSpec):
        raise RenderError(f"spec: the speech engine renders lines, not {type(spec).__name__}")
    if not clean_text(spec.text):
        raise RenderError("text: there is nothing to say")
    if len(spec.text) > MAX_TEXT:
        raise RenderError(f"text: {len(spec.text)} characters are more than {MAX_TEXT}")
    if not 0.5 <= spec.speed <= 2.0:
        raise RenderError(f"speed: {spec.speed} is not from 0.5 to 2")
    if spec.voice and not _VOICE.fullmatch(spec.voice):
        raise RenderError(f"voice: {spec.voice!r} is not the name of a voice such as 'en-us' or 'cmn+f2'")
    return spec


def _speak(wanted: SpeechSpec, info: VoiceInfo, context: RenderContext) -> Line:
    """Speak, and speak again faster while the line is longer than `max_seconds` allows."""
    synthesizer = open_voice(info)
    voice = wanted.voice or DEFAULT_VOICES[wanted.language]
    rate = round(NORMAL_RATE[wanted.language] * wanted.speed)
    samples = _say(synthesizer, wanted, voice, rate)
    while 0 < wanted.max_seconds * SAMPLE_RATE < len(samples) and rate < FASTEST:
        context.check_cancelled()
        rate = min(FASTEST, max(rate + 5, round(rate * len(samples) / SAMPLE_RATE / wanted.max_seconds)))
        samples = _say(synthesizer, wanted, voice, rate)
    if not len(samples):
        return Line(samples=_quiet(0.3), voice=voice, rate=rate, note="the text has nothing that can be spoken")
    too_long = 0 < wanted.max_seconds * SAMPLE_RATE < len(samples)
    note = f"longer than {wanted.max_seconds:g} s even at the fastest rate" if too_long else ""
    return Line(samples=level(samples), voice=voice, rate=rate, note=note)


def _say(synthesizer: Synthesizer, wanted: SpeechSpec, voice: str, rate: int) -> Samples:
    samples, sample_rate = synthesizer.speak(clean_text(wanted.text), voice, rate)
    return resample(trim(samples, sample_rate), sample_rate)


def _silence(wanted: SpeechSpec) -> Line:
    seconds = reading_seconds(wanted.text, wanted.language, wanted.speed)
    seconds = min(seconds, wanted.max_seconds) if wanted.max_seconds > 0 else seconds
    return Line(samples=_quiet(seconds), voice="", rate=0, note=NO_VOICE)


def _quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)
