"""What each mood sounds like: tempo, harmony, and which voices play. Data only; pitches are semitones above `root` (MIDI)."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from schemas.specs import Mood

Chord = tuple[int, ...]
Timbre = Literal["felt", "harp", "bell"]
Drums = Literal["", "shaker", "heartbeat", "taiko"]
MAJOR, MINOR = (0, 2, 4, 7, 9), (0, 3, 5, 7, 10)  # pentatonic: any two notes go together
HARMONIC, LYDIAN = (0, 2, 3, 7, 8), (0, 2, 4, 6, 7, 11)


class Character(Struct, frozen=True, kw_only=True):
    """A mood's music. `bars` per chord; `density` 0..1 = share of the melody's places that sound; `wet` 0..1 = reverb;
    `bright` 0..1 = how open the pad is; `level` scales the whole so that all moods are about equally loud.
    """

    bpm: float
    beats: int
    root: int
    chords: tuple[Chord, ...]
    bars: int = 1
    scale: tuple[int, ...]
    timbre: Timbre
    density: float
    steps: int = 2  # places of the melody a beat
    arpeggio: bool = False
    pulse: bool = False  # a low ostinato of eighth notes
    drums: Drums = ""
    bright: float
    wet: float
    level: float = 1.0


CHARACTERS: dict[Mood, Character] = {
    "neutral": Character(
        bpm=76, beats=4, root=50, chords=((0, 7, 14, 16), (-3, 4, 12, 16), (5, 9, 12, 16), (-5, 2, 11, 14)),
        scale=MAJOR, timbre="felt", density=0.36, bright=0.35, wet=0.3, level=0.85,
    ),
    "happy": Character(
        bpm=106, beats=4, root=55, chords=((0, 4, 7, 12), (-5, 2, 7, 11), (-3, 4, 9, 12), (-7, 5, 9, 12)),
        scale=MAJOR, timbre="harp", density=0.6, arpeggio=True, drums="shaker", bright=0.5, wet=0.22, level=0.59,
    ),
    "calm": Character(
        bpm=58, beats=4, root=48, chords=((0, 7, 14, 16), (5, 12, 16, 19), (-3, 7, 12, 16), (5, 9, 16, 19)),
        scale=MAJOR, timbre="felt", density=0.2, bright=0.2, wet=0.42, level=0.97,
    ),
    "tense": Character(
        bpm=92, beats=4, root=45, chords=((0, 7, 12, 15), (0, 8, 12, 15), (1, 8, 13, 17), (0, 6, 12, 15)),
        scale=HARMONIC, timbre="bell", density=0.1, pulse=True, drums="heartbeat", bright=0.45, wet=0.3, level=0.75,
    ),
    "sad": Character(
        bpm=60, beats=4, root=50, chords=((0, 7, 14, 15), (-4, 3, 12, 15), (3, 10, 14, 19), (-2, 5, 14, 17)),
        scale=MINOR, timbre="felt", density=0.34, bright=0.18, wet=0.38, level=0.89,
    ),
    "mysterious": Character(
        bpm=64, beats=4, root=47, chords=((0, 7, 11, 15), (1, 8, 12, 17), (0, 6, 11, 16), (-1, 6, 11, 14)),
        scale=LYDIAN, timbre="bell", density=0.26, bright=0.3, wet=0.48, level=0.93,
    ),
    "epic": Character(
        bpm=94, beats=4, root=45, chords=((0, 7, 12, 15), (-4, 3, 12, 15), (3, 10, 15, 19), (-2, 5, 14, 17)),
        scale=MINOR, timbre="harp", density=0.3, pulse=True, drums="taiko", bright=0.85, wet=0.34, level=0.64,
    ),
    "romantic": Character(
        bpm=74, beats=3, root=53, chords=((0, 7, 11, 16), (-3, 7, 12, 16), (2, 9, 12, 17), (-5, 5, 11, 16)),
        scale=MAJOR, timbre="harp", density=0.3, arpeggio=True, bright=0.3, wet=0.36, level=0.69,
    ),
}  # fmt: skip
assert set(CHARACTERS) == set(get_args(Mood))
