"""Sound in blocks: decoding, levels and wave files. Arrays are float32 (samples, channels) in -1..1 at `SAMPLE_RATE`."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Self

import av
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from gpu_agents.media.ffmpeg import INPUT_OPTIONS, run_ffmpeg
from gpu_agents.media.sniff import sniff
from schemas.errors import RenderError
from schemas.specs import AudioFormat

Samples = NDArray[np.float32]
SAMPLE_RATE = 48_000  # Hz
AUDIO_TYPES: dict[AudioFormat, str] = {"wav": "audio/wav", "mp3": "audio/mpeg"}
GATE = 10 ** (-45 / 20)  # quieter samples do not count as sound when a level is measured


class Level(Struct, frozen=True, kw_only=True):
    """A sound's measure: `rms` of its audible parts, `peak` (both 0..1, full scale 1) and its length in samples."""

    rms: float
    peak: float
    samples: int


class SoundReader:
    """Reads a sound (or a clip's sound) block by block as 48 kHz stereo; never holds more than one decoded packet.

    Raises `RenderError` when the file is no sound.
    """

    def __init__(self, path: Path) -> None:
        self._blocks = _decode(path)
        self._rest: Samples = np.zeros((0, 2), np.float32)
        self.exhausted = False

    def read(self, count: int) -> Samples:
        """The next `count` samples; fewer at the end, and then `exhausted` is set."""
        parts, have = [self._rest], len(self._rest)
        while have < count and not self.exhausted:
            block = next(self._blocks, None)
            if block is None:
                self.exhausted = True
                break
            parts.append(block)
            have += len(block)
        joined = np.concatenate(parts)
        self._rest = joined[count:]
        return joined[:count]


class WavWriter:
    """Writes a 16-bit PCM wave file block by block, as a context manager."""

    def __init__(self, path: Path, channels: int) -> None:
        self._file = wave.open(str(path), "wb")  # noqa: SIM115 - closed in __exit__
        self._file.setnchannels(channels)
        self._file.setsampwidth(2)
        self._file.setframerate(SAMPLE_RATE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, block: Samples) -> None:
        """Append (samples, channels) or, for one channel, (samples,); values beyond -1..1 are clipped."""
        self._file.writeframes((np.clip(block, -1.0, 1.0) * 32767.0).round().astype("<i2").tobytes())


def measure(path: Path) -> Level:
    """Level of a sound file, read in blocks. Raises `RenderError` when it is no sound."""
    energy, audible, peak, samples = 0.0, 0, 0.0, 0
    for block in _decode(path):
        loud = np.abs(block).max(axis=1, initial=0.0)
        heard = block[loud > GATE]
        energy += float(np.square(heard, dtype=np.float64).sum()) / 2
        audible += len(heard)
        peak = max(peak, float(loud.max(initial=0.0)))
        samples += len(block)
    return Level(rms=(energy / audible) ** 0.5 if audible else 0.0, peak=peak, samples=samples)


def soft_limit(block: Samples, ceiling: float = 0.9, knee: float = 0.7) -> Samples:
    """Keep a block below `ceiling`: unchanged up to `knee`, bent over smoothly above it."""
    size = np.abs(block)
    room = ceiling - knee
    bent = knee + room * np.tanh((size - knee) / room)
    return np.where(size > knee, np.copysign(bent, block), block).astype(np.float32)


def deliver(wav: Path, audio_format: AudioFormat, check: Callable[[], None] = lambda: None) -> Path:
    """The wave file itself, or an MP3 file made from it, which replaces it; `check` may raise to stop the encoder."""
    if audio_format == "wav":
        return wav
    mp3 = wav.with_suffix(".mp3")
    run_ffmpeg([*INPUT_OPTIONS, "-i", str(wav), "-c:a", "libmp3lame", "-b:a", "160k", str(mp3)], check)
    wav.unlink()
    return mp3


def has_sound(path: Path) -> bool:
    """Whether a clip or sound file has a sound track."""
    with av.open(str(path), options={"protocol_whitelist": "file"}) as container:
        return bool(container.streams.audio)


def _decode(path: Path) -> Iterator[Samples]:
    if sniff(path) == "picture":
        raise RenderError(f"input file {path.name}: a picture where a sound was expected")
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}) as container:
            if not container.streams.audio:
                raise RenderError(f"input file {path.name}: it has no sound track")
            stream = container.streams.audio[0]
            mono = stream.channels == 1  # doubled here: the resampler would make it 3 dB quieter
            resampler = av.AudioResampler(format="flt", layout="mono" if mono else "stereo", rate=SAMPLE_RATE)
            for frame in chain(container.decode(stream), (None,)):  # None flushes the resampler
                for piece in resampler.resample(frame):
                    sides = piece.to_ndarray().reshape(-1, 1 if mono else 2).astype(np.float32, copy=False)
                    yield np.repeat(sides, 2, axis=1) if mono else sides
    except av.FFmpegError as error:
        raise RenderError(f"input file {path.name} cannot be decoded as sound: {error}") from error
