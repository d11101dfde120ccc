"""From a mood to notes: an endless, repeatable stream of notes in the order of their starts."""

from __future__ import annotations

import random
from collections.abc import Iterator

from msgspec import Struct

from gpu_agents.engines.tone import voices
from gpu_agents.engines.tone.moods import Character, Chord
from gpu_agents.media.sound import SAMPLE_RATE, Samples

PAD_GAIN, PLUCK_GAIN, BASS_GAIN, PULSE_GAIN, DRUM_GAIN = 0.075, 0.5, 0.2, 0.28, 0.5
PAD_OVERLAP = 1.6  # s that a chord sounds into the next one
MOTIF_BARS = 2


class Note(Struct, frozen=True):
    """A sound that starts at sample `start`; `pan` -1 (left) to 1 (right) for mono sounds."""

    start: int
    sound: Samples
    gain: float
    pan: float = 0.0


def play(character: Character, seed: str) -> Iterator[Note]:
    """The notes of a mood, bar after bar for ever. The same seed gives the same notes."""
    chance = random.Random(seed)
    beat = 60.0 / character.bpm
    motif = _motif(character, chance)
    bar = 0
    while True:
        start = bar * character.beats * beat
        chord = character.chords[bar // character.bars % len(character.chords)]
        notes: list[Note] = []
        if bar % character.bars == 0:
            notes += _pads(character, chord, start, character.bars * character.beats * beat, chance)
        notes += _bass(character, chord, start, beat)
        notes += _melody(character, chord, start, beat, bar, motif, chance)
        notes += _arpeggio(character, chord, start, beat) if character.arpeggio else []
        notes += _pulse(character, chord, start, beat) if character.pulse else []
        notes += _drums(character, start, beat, bar, chance)
        yield from sorted(notes, key=lambda note: note.start)
        bar += 1


def _pads(character: Character, chord: Chord, start: float, length: float, chance: random.Random) -> list[Note]:
    count = _samples(length + PAD_OVERLAP)
    attack = min(1.4, length / 2)
    return [
        Note(
            _samples(start),
            voices.pad(character.root + tone, count, attack, PAD_OVERLAP, character.bright, chance.uniform(0, 6.28)),
            PAD_GAIN if place else PAD_GAIN * 1.15,
        )
        for place, tone in enumerate(chord)
    ]


def _bass(character: Character, chord: Chord, start: float, beat: float) -> list[Note]:
    pitch = character.root + chord[0] - 12
    pitch += 12 if pitch < 31 else 0  # nothing below G1: small speakers would stay silent
    places = (0,) if character.beats == 3 or character.bpm < 70 else (0, character.beats // 2)
    count = _samples(beat * character.beats / len(places))
    return [Note(_samples(start + place * beat), voices.bass(pitch, count), BASS_GAIN) for place in places]


def _motif(character: Character, chance: random.Random) -> list[int | None]:
    """Two bars of steps on the scale (0 = the middle octave's root), None = rest: a walk that tends back to its middle."""
    line: list[int | None] = []
    place = chance.choice((2, 3, 4))
    per_bar = character.beats * character.steps
    for position in range(MOTIF_BARS * per_bar):
        strong = position % per_bar == 0
        if strong or chance.random() < character.density * (1.0 if position % 2 == 0 else 0.55):
            place += chance.choice((-2, -1, -1, 1, 1, 2)) - (1 if place > 6 else -1 if place < 0 else 0)
            line.append(place)
        else:
            line.append(None)
    return line


def _melody(
    character: Character,
    chord: Chord,
    start: float,
    beat: float,
    bar: int,
    motif: list[int | None],
    chance: random.Random,
) -> list[Note]:
    """The motif over this bar's chord: strong places are pulled to a tone of the chord; some notes are left out."""
    per_bar = character.beats * character.steps
    part = motif[bar % MOTIF_BARS * per_bar :][:per_bar]
    notes = []
    for position, degree in enumerate(part):
        if degree is None or chance.random() < (0.12 if bar % 4 else 0.3):
            continue
        tone = _scale_tone(character.scale, degree) + 12
        if position % character.steps == 0:
            tone = min(
                (chord_tone + octave for chord_tone in chord for octave in (0, 12, 24)), key=lambda t: abs(t - tone)
            )
        late = chance.uniform(0.0, 0.012)
        gain = PLUCK_GAIN * chance.uniform(0.6, 1.0) * (1.0 if position % character.steps == 0 else 0.8)
        sound = voices.pluck(character.root + tone, character.timbre)
        notes.append(
            Note(_samples(start + position * beat / character.steps + late), sound, gain, chance.uniform(-0.45, 0.45))
        )
    return notes


def _arpeggio(character: Character, chord: Chord, start: float, beat: float) -> list[Note]:
    rising = (*chord, *chord[-2:0:-1])
    return [
        Note(
            _samples(start + place * beat / 2),
            voices.pluck(character.root + 12 + rising[place % len(rising)], character.timbre),
            PLUCK_GAIN * (0.42 if place % 2 else 0.55),
            -0.3 + 0.6 * (place % 4) / 3,
        )
        for place in range(character.beats * 2)
    ]


def _pulse(character: Character, chord: Chord, start: float, beat: float) -> list[Note]:
    tones = (chord[0], chord[0], chord[1], chord[0])
    return [
        Note(
            _samples(start + place * beat / 2),
            voices.pulse(character.root + tones[place % 4]),
            PULSE_GAIN * (1.0 if place % 4 == 0 else 0.65),
            0.25 if place % 2 else -0.25,
        )
        for place in range(character.beats * 2)
    ]


def _drums(character: Character, start: float, beat: float, bar: int, chance: random.Random) -> list[Note]:
    """Hits as (place in beats, sound, gain, pan)."""
    hits: list[tuple[float, Samples, float, float]] = []
    if character.drums == "shaker":
        eighths = range(character.beats * 2)
        hits = [(place / 2, voices.shaker(accent=place % 2 == 1), chance.uniform(0.5, 0.8), 0.3) for place in eighths]
    elif character.drums == "heartbeat":
        hits = [(0.0, voices.taiko(deep=True), 0.5, 0.0), (0.45, voices.taiko(deep=True), 0.32, 0.0)]
    elif character.drums == "taiko":
        hits = [
            (0.0, voices.taiko(deep=True), 1.0, 0.0),
            (2.5, voices.taiko(deep=True), 0.6, -0.1),
            (3.0, voices.taiko(deep=False), 0.5, 0.2),
        ]
        if bar % 4 == 3:
            hits += [
                (3.25 + step / 4, voices.taiko(deep=False), 0.35 + 0.12 * step, 0.2 - 0.2 * step) for step in range(3)
            ]
    return [Note(_samples(start + place * beat), sound, DRUM_GAIN * gain, pan) for place, sound, gain, pan in hits]


def _scale_tone(scale: tuple[int, ...], degree: int) -> int:
    octave, place = divmod(degree, len(scale))
    return 12 * octave + scale[place]


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)
