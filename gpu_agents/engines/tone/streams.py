"""Endless sound of one mood in blocks of `HOP` samples: music (notes and a room around them) or ambience (shaped noise)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gpu_agents.engines.tone.arranger import Note, play
from gpu_agents.engines.tone.moods import CHARACTERS
from gpu_agents.media.sound import SAMPLE_RATE, Samples
from schemas.specs import Mood

HOP = 1 << 16  # samples a block (1.4 s)
ROOM_SECONDS = 1.9
SWELL_SECONDS = 9.0
AMBIENCE_RMS = 0.08  # -22 dB below full scale

# ambience: (centre Hz, width in octaves, gain, swell 0..1) of each noise layer
_NOISES: dict[Mood, tuple[tuple[float, float, float, float], ...]] = {
    "neutral": ((320, 1.6, 0.5, 0.3), (1800, 1.2, 0.12, 0.4)),  # a light breeze
    "happy": ((900, 1.4, 0.3, 0.4), (4200, 0.8, 0.16, 0.5)),  # leaves
    "calm": ((240, 1.8, 0.7, 0.85), (2600, 1.4, 0.22, 0.95)),  # the sea
    "tense": ((90, 1.0, 0.9, 0.5), (420, 0.5, 0.25, 0.8)),  # a low, hollow wind
    "sad": ((2600, 1.9, 0.42, 0.12), (260, 1.2, 0.25, 0.2)),  # steady rain
    "mysterious": ((520, 0.4, 0.5, 0.9), (1150, 0.3, 0.2, 0.95), (110, 1.0, 0.4, 0.4)),  # wind in a crack
    "epic": ((150, 1.4, 1.0, 0.7), (700, 1.2, 0.4, 0.85), (3200, 1.2, 0.2, 0.6)),  # a storm
    "romantic": ((200, 1.6, 0.5, 0.75), (1700, 1.2, 0.16, 0.85)),  # a quiet shore
}


def music(mood: Mood, seed: str) -> Iterator[Samples]:
    """Blocks of `HOP` stereo samples of a mood's music, for ever."""
    character = CHARACTERS[mood]
    room = _Room(character.wet, seed)
    for dry in _blocks(play(character, seed)):
        yield room.add(dry) * np.float32(character.level)


def ambience(mood: Mood, seed: str) -> Iterator[Samples]:
    """Blocks of `HOP` stereo samples of rain, wind or sea, for ever."""
    chance = _generator(seed)
    layers = [
        (_loop(*layer[:2], chance, HOP * (7 + 2 * number)), *layer[2:]) for number, layer in enumerate(_NOISES[mood])
    ]
    phases = chance.uniform(0.0, 2 * np.pi, (len(layers), 2))
    scale = np.float32(AMBIENCE_RMS / np.sqrt(sum((gain * (1 - swell / 2)) ** 2 for _, gain, swell in layers)))
    start = 0
    while True:
        places = np.arange(start, start + HOP)
        block = np.zeros((HOP, 2), np.float32)
        for (loop, gain, swell), phase in zip(layers, phases, strict=True):
            seconds = places / SAMPLE_RATE
            wave = 0.6 * np.sin(2 * np.pi * seconds / SWELL_SECONDS + phase[0])
            wave += 0.4 * np.sin(2 * np.pi * seconds / (SWELL_SECONDS * 0.618) + phase[1])
            strength = gain * (1.0 - swell * (0.5 - 0.5 * wave))
            block += loop[places % len(loop)] * strength[:, None].astype(np.float32)
        yield block * scale
        start += HOP


def _blocks(notes: Iterator[Note]) -> Iterator[Samples]:
    """Add up notes into blocks; what rings on is carried into the next ones."""
    carry = np.zeros((HOP, 2), np.float32)
    start = 0
    note = next(notes)
    while True:
        while note.start < start + HOP:
            carry = _add(carry, note, note.start - start)
            note = next(notes)
        yield carry[:HOP]
        carry = np.concatenate([carry[HOP:], np.zeros((max(0, 2 * HOP - len(carry)), 2), np.float32)])
        start += HOP


def _add(buffer: Samples, note: Note, offset: int) -> Samples:
    end = offset + len(note.sound)
    if end > len(buffer):
        buffer = np.concatenate([buffer, np.zeros((end - len(buffer), 2), np.float32)])
    if note.sound.ndim == 2:
        buffer[offset:end] += note.sound * np.float32(note.gain)
    else:
        turn = (note.pan + 1) * np.pi / 4  # constant power
        sides = np.array([np.cos(turn), np.sin(turn)], np.float32) * np.float32(note.gain * 2**0.5)
        buffer[offset:end] += note.sound[:, None] * sides
    return buffer


class _Room:
    """Reverberation: convolution with a decaying noise, block by block (overlap-add with the FFT)."""

    def __init__(self, wet: float, seed: str) -> None:
        count = round(ROOM_SECONDS * SAMPLE_RATE)
        seconds = np.arange(count) / SAMPLE_RATE
        chance = _generator(f"{seed}/room")
        tail = chance.standard_normal((count, 2)) * np.exp(-3.6 * seconds)[:, None]
        tail *= np.clip((seconds - 0.015) / 0.03, 0.0, 1.0)[:, None]
        self._size = _fast_size(HOP + count)
        spectrum = np.fft.rfft(tail, self._size, axis=0)
        hertz = np.fft.rfftfreq(self._size, 1 / SAMPLE_RATE)[:, None]
        spectrum *= (
            1 / (1 + (hertz / 3500) ** 2) * (hertz / (hertz + 180))
        )  # walls swallow the highs, no boom in the lows
        heard = (hertz[:, 0] > 100) & (hertz[:, 0] < 2000)
        spectrum /= np.sqrt(np.mean(np.abs(spectrum[heard]) ** 2))
        self._spectrum = (spectrum * wet).astype(np.complex64)
        self._dry = np.float32(1.0 - wet * 0.4)
        self._tail = np.zeros((self._size - HOP, 2), np.float32)

    def add(self, dry: Samples) -> Samples:
        """The block with its room."""
        wet = np.fft.irfft(np.fft.rfft(dry, self._size, axis=0) * self._spectrum, self._size, axis=0).astype(np.float32)
        wet[: len(self._tail)] += self._tail
        self._tail = wet[HOP:]
        return dry * self._dry + wet[:HOP]


def _loop(centre: float, octaves: float, chance: np.random.Generator, count: int) -> Samples:
    """Stereo noise of RMS 1 around `centre` Hz that repeats without a seam: random phases on a bell-shaped spectrum."""
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 1.0)
    shape = np.exp(-0.5 * (np.log2(hertz / centre) / octaves) ** 2) / np.sqrt(hertz)
    turns = np.exp(2j * np.pi * chance.random((2, len(hertz))))
    noise = np.fft.irfft(shape * turns, count, axis=1)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), np.float32).T


def _fast_size(count: int) -> int:
    """A length with a quick FFT: 5 * 2**k or 2**k, whichever is the smaller that fits."""
    power = 1 << (count - 1).bit_length()
    return power * 5 // 8 if power * 5 // 8 >= count else power


def _generator(seed: str) -> np.random.Generator:
    return np.random.default_rng(list(seed.encode()))
