"""The instruments: small additive and noise synthesisers. Every note is float32, mono (n,) or stereo (n, 2), near -1..1."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from gpu_agents.engines.tone.moods import Timbre
from gpu_agents.media.sound import SAMPLE_RATE, Samples

TABLE_BITS = 14  # one period of a wavetable has 2**14 samples, so that no interpolation is needed
DETUNE = 0.0022  # of the two pad voices on either side
_PARTIALS: dict[Timbre, tuple[tuple[float, float, float], ...]] = {  # (multiple, amplitude, decay in 1/s)
    "felt": ((1.0, 1.0, 1.6), (2.0, 0.32, 2.6), (3.0, 0.12, 4.0), (4.01, 0.05, 6.0)),
    "harp": ((1.0, 1.0, 2.2), (2.0, 0.5, 3.2), (3.0, 0.3, 4.6), (4.0, 0.16, 6.5), (5.0, 0.08, 9.0)),
    "bell": ((1.0, 0.8, 1.0), (2.0, 0.35, 1.5), (2.76, 0.3, 2.2), (5.4, 0.12, 4.5)),
}
_ATTACK: dict[Timbre, float] = {"felt": 0.012, "harp": 0.004, "bell": 0.003}  # s
PLUCK_SECONDS = 3.0


def frequency(pitch: float) -> float:
    """Hz of a MIDI pitch in equal temperament, A4 (69) = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def pad(pitch: float, count: int, attack: float, release: float, bright: float, phase: float) -> Samples:
    """A wide, slowly breathing string-like tone of `count` samples; `attack` and `release` in seconds lie inside it."""
    seconds = np.arange(count, dtype=np.float32) / SAMPLE_RATE
    opening = bright * (0.7 + 0.3 * np.sin(2 * np.pi * 0.13 * seconds + phase))
    shape = np.minimum(np.minimum(seconds / attack, (count / SAMPLE_RATE - seconds) / release), 1.0)
    envelope = np.sin(np.pi / 2 * np.clip(shape, 0.0, 1.0)) ** 2
    sides = []
    for side in (-1, 1):
        warm = _oscillate(_table(6, 2.2), frequency(pitch) * (1 + side * DETUNE), count, phase + side)
        open_ = _oscillate(_table(_harmonics(pitch), 1.25), frequency(pitch) * (1 - side * DETUNE / 2), count, phase)
        sides.append((warm * (1 - opening) + open_ * opening) * envelope)
    return np.stack(sides, axis=1).astype(np.float32)


@lru_cache(maxsize=128)
def pluck(pitch: int, timbre: Timbre) -> Samples:
    """A struck or plucked note that rings out, mono."""
    seconds = np.arange(round(PLUCK_SECONDS * SAMPLE_RATE), dtype=np.float32) / SAMPLE_RATE
    base = frequency(pitch)
    note = np.zeros_like(seconds)
    for multiple, amplitude, decay in _PARTIALS[timbre]:
        if base * multiple < SAMPLE_RATE / 2.5:
            note += amplitude * np.exp(-decay * seconds) * np.sin(2 * np.pi * base * multiple * seconds)
    fade = np.minimum(seconds / _ATTACK[timbre], 1.0) * np.minimum((PLUCK_SECONDS - seconds) / 0.3, 1.0)
    return _floats(note * fade / 1.5)


@lru_cache(maxsize=64)
def bass(pitch: int, count: int) -> Samples:
    """A round low note of `count` samples, mono."""
    seconds = np.arange(count, dtype=np.float32) / SAMPLE_RATE
    length = count / SAMPLE_RATE
    envelope = np.minimum(seconds / 0.03, 1.0) * np.exp(-0.9 * seconds) * np.clip((length - seconds) / 0.12, 0.0, 1.0)
    turn = 2 * np.pi * frequency(pitch) * seconds
    return _floats(envelope * (np.sin(turn) + 0.25 * np.sin(2 * turn) + 0.08 * np.sin(3 * turn)))


@lru_cache(maxsize=64)
def pulse(pitch: int) -> Samples:
    """A short bowed stroke for ostinati, mono."""
    count = round(0.32 * SAMPLE_RATE)
    seconds = np.arange(count, dtype=np.float32) / SAMPLE_RATE
    envelope = np.minimum(seconds / 0.02, 1.0) * np.exp(-7.0 * seconds) * np.clip((0.32 - seconds) / 0.05, 0.0, 1.0)
    return _floats(_oscillate(_table(10, 1.4), frequency(pitch), count, 0.0) * envelope)


@lru_cache(maxsize=8)
def taiko(deep: bool) -> Samples:
    """A big drum: a falling sine and the thump of the stick, mono."""
    length = 1.4 if deep else 0.7
    seconds = np.arange(round(length * SAMPLE_RATE), dtype=np.float32) / SAMPLE_RATE
    low, drop = (48.0, 62.0) if deep else (82.0, 70.0)
    turn = 2 * np.pi * (low * seconds + drop / 22.0 * (1 - np.exp(-22.0 * seconds)))
    skin = np.sin(turn) * np.exp(-(3.2 if deep else 6.0) * seconds)
    stick = _smooth(_noise(len(seconds), 7), 24) * np.exp(-38.0 * seconds) * 1.6
    return _floats((skin + stick) * np.clip((length - seconds) / 0.1, 0.0, 1.0))


@lru_cache(maxsize=8)
def shaker(accent: bool) -> Samples:
    """A soft shaker, mono."""
    count = round(0.09 * SAMPLE_RATE)
    seconds = np.arange(count, dtype=np.float32) / SAMPLE_RATE
    hiss = _noise(count, 11 + accent)
    bright = hiss - _smooth(hiss, 7)
    return (bright * np.minimum(seconds / 0.012, 1.0) * np.exp(-(38.0 if accent else 55.0) * seconds)).astype(
        np.float32
    )


def _harmonics(pitch: float) -> int:
    """As many harmonics as stay below 7 kHz, at most 24."""
    return int(max(2, min(24, 7000 / frequency(pitch))))


@lru_cache(maxsize=64)
def _table(harmonics: int, slope: float) -> Samples:
    """One period of a tone whose k-th harmonic has amplitude k**-slope, scaled to a peak of 1."""
    turn = 2 * np.pi * np.arange(1 << TABLE_BITS) / (1 << TABLE_BITS)
    wave = np.zeros(1 << TABLE_BITS)
    for number in range(1, harmonics + 1):
        wave += np.sin(number * turn + 0.7 * number) / number**slope
    return _floats(wave / np.abs(wave).max())


def _oscillate(table: Samples, hertz: float, count: int, phase: float) -> Samples:
    """Read a table at a pitch with a 32-bit phase that wraps by itself."""
    step = np.uint32(round(hertz / SAMPLE_RATE * 2**32))
    offset = np.uint32(round((phase / (2 * np.pi)) % 1.0 * (2**32 - 1)))
    turns = np.arange(count, dtype=np.uint32) * step + offset
    wave: Samples = table[turns >> np.uint32(32 - TABLE_BITS)]
    return wave


def _noise(count: int, seed: int) -> Samples:
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32) * 0.5


def _smooth(signal: Samples, width: int) -> Samples:
    """Moving average: a gentle low-pass."""
    return np.convolve(signal, np.full(width, 1.0 / width, np.float32), "same").astype(np.float32)


def _floats(signal: Any) -> Samples:
    return np.asarray(signal, np.float32)
