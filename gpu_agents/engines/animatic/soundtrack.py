"""The film's sound: speech at its places, a music bed that steps back under it, the sound of clips; mixed in blocks of a second.

Always as long as the film and never louder than the limiter's ceiling; with nothing to play it is silence.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from msgspec import Struct

from gpu_agents.engines.animatic.timeline import Slot
from gpu_agents.media.sniff import sniff
from gpu_agents.media.sound import SAMPLE_RATE, Level, Samples, SoundReader, WavWriter, has_sound, measure, soft_limit
from schemas.specs import FilmSpec

SPEECH_DELAY = 0.3  # s after the shot begins
SPEECH_GAP = 0.15  # s between two lines when one runs over into the next shot
SPEECH_RMS, BED_RMS, BED_ALONE_RMS, CLIP_RMS = 0.126, 0.045, 0.09, 0.06  # -18, -27, -21 and -24 dB below full scale
MAX_GAIN = 6.0
DUCKED = 0.45  # the bed's gain under speech
ATTACK, RELEASE = 0.25, 0.7  # s, how fast the bed steps back and returns
EDGE_FADE = 0.02  # s at both ends of speech and clips
BED_FADE_IN, BED_FADE_OUT = 0.8, 1.6  # s


class Layer(Struct, frozen=True, kw_only=True):
    """One sound in the film, from sample `start` to before `end`; fades in samples; a bed is ducked, and repeated if short."""

    path: Path
    start: int
    end: int
    gain: float
    fade_in: int
    fade_out: int
    speech: bool = False
    repeat: bool = False


def plan_layers(spec: FilmSpec, slots: list[Slot], inputs: Callable[[str, str], Path]) -> list[Layer]:
    """All sounds of the film with their places and gains. `inputs(stage, field)` finds a stage's file.

    A line longer than its shot runs on; the next one then waits for it. Raises `RenderError` for a bad sound file.
    """
    if not spec.audio:
        return []
    total = round(slots[-1].end / spec.fps * SAMPLE_RATE)
    layers = _speech_layers(spec, slots, inputs, total)
    bed_rms = BED_RMS if layers else BED_ALONE_RMS
    layers += _clip_layers(spec, slots, inputs)
    if spec.music_stage:
        path = inputs(spec.music_stage, "music_stage")
        gain = _gain(measure(path), bed_rms)
        fades = (min(_samples(BED_FADE_IN), total // 4), min(_samples(BED_FADE_OUT), total // 3))
        bed = Layer(path=path, start=0, end=total, gain=gain, fade_in=fades[0], fade_out=fades[1], repeat=True)
        layers.append(bed)
    return layers


def mix_layers(layers: list[Layer], total: int, target: Path, check: Callable[[], None]) -> None:
    """Write `total` samples of 48 kHz stereo to a wave file, a second at a time; `check` may raise to stop it."""
    voices = [(layer.start, layer.end) for layer in layers if layer.speech]
    players = [_Player(layer) for layer in layers]
    with WavWriter(target, channels=2) as file:
        for start in range(0, total, SAMPLE_RATE):
            check()
            count = min(SAMPLE_RATE, total - start)
            block = np.zeros((count, 2), np.float32)
            duck = duck_gain(start, count, voices)[:, None]
            for player in players:
                player.add(start, block, duck)
            file.write(soft_limit(block))


def duck_gain(start: int, count: int, voices: list[tuple[int, int]]) -> Samples:
    """The bed's gain for `count` samples from `start`: `DUCKED` while a voice (start, end in samples) speaks, else 1."""
    attack, release = _samples(ATTACK), _samples(RELEASE)
    places = np.arange(start, start + count, dtype=np.float32)
    presence = np.zeros(count, np.float32)
    for begin, end in voices:
        if begin - attack < start + count and end + release > start:
            rise, fall = (places - (begin - attack)) / attack, (end + release - places) / release
            np.maximum(presence, np.clip(np.minimum(rise, fall), 0.0, 1.0), out=presence)
    return 1.0 - (1.0 - DUCKED) * presence


class _Player:
    """Reads one layer along the film and adds it to blocks."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._reader: SoundReader | None = None
        self._ended = False

    def add(self, start: int, block: Samples, duck: Samples) -> None:
        layer = self._layer
        begin, end = max(start, layer.start), min(start + len(block), layer.end)
        if begin >= end or self._ended:
            return
        sound = self._read(end - begin)
        places = np.arange(begin, begin + len(sound))
        envelope = np.minimum((places - layer.start + 1) / layer.fade_in, (layer.end - places) / layer.fade_out)
        window = slice(begin - start, begin - start + len(sound))
        gain = (layer.gain * np.clip(envelope, 0.0, 1.0)).astype(np.float32)[:, None]
        block[window] += sound * gain * (1.0 if layer.speech else duck[window])

    def _read(self, count: int) -> Samples:
        self._reader = self._reader or SoundReader(self._layer.path)
        sound = self._reader.read(count)
        while len(sound) < count and self._layer.repeat:
            self._reader = SoundReader(self._layer.path)
            more = self._reader.read(count - len(sound))
            if not len(more):
                break
            sound = np.concatenate([sound, more])
        self._ended = len(sound) < count
        if self._ended:
            self._reader = None
        return sound


def _speech_layers(spec: FilmSpec, slots: list[Slot], inputs: Callable[[str, str], Path], total: int) -> list[Layer]:
    layers: list[Layer] = []
    free = 0
    fade = _samples(EDGE_FADE)
    for shot, slot in zip(spec.shots, slots, strict=True):
        if not shot.speech_stage:
            continue
        path = inputs(shot.speech_stage, f"shot {shot.shot_id}: speech_stage")
        level = measure(path)
        start = max(round(slot.start / spec.fps * SAMPLE_RATE) + _samples(SPEECH_DELAY), free)
        end = min(start + level.samples, total)
        if start < end and level.rms:
            gain = _gain(level, SPEECH_RMS)
            layers.append(Layer(path=path, start=start, end=end, gain=gain, fade_in=fade, fade_out=fade, speech=True))
            free = end + _samples(SPEECH_GAP)
    return layers


def _clip_layers(spec: FilmSpec, slots: list[Slot], inputs: Callable[[str, str], Path]) -> list[Layer]:
    layers = []
    for shot, slot in zip(spec.shots, slots, strict=True):
        path = inputs(shot.still_stage, f"shot {shot.shot_id}: still_stage")
        if sniff(path) != "clip" or not has_sound(path):
            continue
        level = measure(path)
        start = round(slot.first / spec.fps * SAMPLE_RATE)
        end = min(start + level.samples, round(slot.last / spec.fps * SAMPLE_RATE))
        overlap = max(_samples(EDGE_FADE), (end - start) // 8)
        gain = min(1.0, _gain(level, CLIP_RMS))
        layers.append(Layer(path=path, start=start, end=end, gain=gain, fade_in=overlap, fade_out=overlap))
    return [layer for layer in layers if layer.start < layer.end]


def _gain(level: Level, rms: float) -> float:
    return min(MAX_GAIN, rms / level.rms) if level.rms else 0.0


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)
