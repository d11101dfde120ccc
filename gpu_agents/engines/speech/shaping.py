"""Pure work on a spoken line: its text, its expected length, trimming, resampling, level."""

from __future__ import annotations

import re
from math import gcd

import numpy as np

from gpu_agents.media.sound import SAMPLE_RATE, Samples
from schemas.specs import Language

SILENCE = 0.004  # of full scale (-48 dB); quieter ends are cut off
MARGIN = 0.04  # s kept at both ends
PEAK = 0.7
CHARACTERS_PER_SECOND = 4.2  # Chinese characters read aloud
WORDS_PER_SECOND = 2.6
PAUSE = 0.25  # s a punctuation mark adds
SHORTEST = 0.8  # s
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\ufeff]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9'’-]*")
_MARK = re.compile(r"[,.;:!?，。；：！？、…]+")


def clean_text(text: str) -> str:
    """Text as a synthesiser may see it: one line, no control characters, no inline phonemes ([[...]])."""
    return " ".join(_CONTROL.sub(" ", text).replace("[[", "[").replace("]]", "]").split())


def reading_seconds(text: str, language: Language, speed: float) -> float:
    """How long reading the text aloud takes, at least `SHORTEST` s; `speed` 1 = normal."""
    han, words, marks = (len(pattern.findall(text)) for pattern in (_HAN, _WORD, _MARK))
    pauses = max(0, marks - 1) * PAUSE
    pace = 1.0 if language == "en" else 1.15  # foreign words are read more slowly inside Chinese
    return max(SHORTEST, (han / CHARACTERS_PER_SECOND + words * pace / WORDS_PER_SECOND + pauses) / speed)


def trim(samples: Samples, rate: int) -> Samples:
    """Cut silence off both ends, leaving `MARGIN` seconds; nothing at all when it is silent throughout."""
    heard = np.flatnonzero(np.abs(samples) > SILENCE)
    if not len(heard):
        return samples[:0]
    margin = round(MARGIN * rate)
    return samples[max(0, int(heard[0]) - margin) : int(heard[-1]) + margin]


def resample(samples: Samples, rate: int) -> Samples:
    """To 48 kHz by cutting or extending the spectrum, with zeros around the line so that its ends do not meet."""
    if rate == SAMPLE_RATE or not len(samples):
        return samples
    divisor = gcd(rate, SAMPLE_RATE)
    unit, target_unit = rate // divisor, SAMPLE_RATE // divisor
    blocks = -(-(len(samples) + 256) // unit)
    padded = np.pad(samples, (0, blocks * unit - len(samples)))
    longer = np.fft.irfft(np.fft.rfft(padded), blocks * target_unit) * (target_unit / unit)
    return longer[: round(len(samples) * SAMPLE_RATE / rate)].astype(np.float32)


def level(samples: Samples) -> Samples:
    """Bring the peak to `PEAK` and fade 5 ms at both ends."""
    peak = float(np.abs(samples).max(initial=0.0))
    if not peak:
        return samples
    edge = min(round(0.005 * SAMPLE_RATE), len(samples) // 2)
    shaped = samples * np.float32(PEAK / peak)
    ramp = np.linspace(0.0, 1.0, edge, dtype=np.float32)
    shaped[:edge] *= ramp
    shaped[len(shaped) - edge :] *= ramp[::-1]
    return shaped
