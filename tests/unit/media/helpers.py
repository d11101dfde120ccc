"""Pictures, sounds and films to test with; all made on the spot."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from PIL import Image

from gpu_agents.media.sound import SAMPLE_RATE, WavWriter


def write_still(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (800, 450), grain: int = 40) -> Path:
    """A picture around one colour with coarse grain, so that a camera move changes its pixels."""
    width, height = size
    chance = np.random.default_rng(sum(colour))
    small = chance.integers(-grain, grain + 1, (height // 16 + 1, width // 16 + 1, 1))
    grainy = np.kron(small, np.ones((16, 16, 1), int))[:height, :width]
    pixels = np.clip(np.array(colour) + grainy, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def write_tone(path: Path, seconds: float, hertz: float = 440.0, amplitude: float = 0.3) -> Path:
    """A mono sine."""
    places = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    with WavWriter(path, channels=1) as file:
        file.write((amplitude * np.sin(2 * np.pi * hertz * places)).astype(np.float32))
    return path


def read_frames(path: Path) -> list[np.ndarray]:
    """All pictures of a film as RGB."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def read_sound(path: Path) -> np.ndarray:
    """The sound of a file, (samples, channels) at its own rate."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp")
        blocks = [part.to_ndarray() for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(blocks, axis=1).T


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples)))) if samples.size else 0.0
