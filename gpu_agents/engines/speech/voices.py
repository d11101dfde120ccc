"""Local voices: which speech synthesiser this machine has, behind one call.

eSpeak NG (https://github.com/espeak-ng/espeak-ng) is used as a command if it is installed, else as the library that the
optional package `espeakng-loader` brings. Texts never appear on a command line.
"""

from __future__ import annotations

import shutil
import subprocess
import wave
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import numpy as np
from msgspec import Struct

from gpu_agents.engines.speech.library import FULL_SCALE, EspeakLibrary, library_files
from gpu_agents.media.sound import Samples
from schemas.errors import RenderError

COMMAND = "espeak-ng"
TIMEOUT = 60.0  # s for one line


class VoiceInfo(Struct, frozen=True, kw_only=True):
    """A synthesiser: its name, and whether it is a "command" or a "library"."""

    name: str
    source: str
    location: Path


class Synthesizer(Protocol):
    """Says a text with a voice at a rate in words a minute."""

    def speak(self, text: str, voice: str, rate: int) -> tuple[Samples, int]:
        """Mono samples (-1..1) and their sample rate in Hz. Raises `RenderError` for an unknown voice or a failure."""


def find_voice() -> VoiceInfo | None:
    """The synthesiser of this machine, or None."""
    command = shutil.which(COMMAND)
    if command:
        return VoiceInfo(name=COMMAND, source="command", location=Path(command))
    if find_spec("espeakng_loader") is not None and (files := library_files()) is not None:
        return VoiceInfo(name=COMMAND, source="library", location=files[0])
    return None


def open_voice(info: VoiceInfo) -> Synthesizer:
    """The synthesiser that `info` describes. Raises `ConfigurationError` when it cannot be loaded."""
    return EspeakCommand(info.location) if info.source == "command" else EspeakLibrary()


class EspeakCommand:
    """eSpeak NG as a child process; the text goes through its standard input."""

    def __init__(self, command: Path) -> None:
        self._command = command

    def speak(self, text: str, voice: str, rate: int) -> tuple[Samples, int]:
        with TemporaryDirectory(prefix="speech-") as folder:
            target = Path(folder) / "line.wav"
            command = [str(self._command), "-b", "1", "-v", voice, "-s", str(rate), "-w", str(target), "--stdin"]
            try:
                result = subprocess.run(command, input=text.encode(), capture_output=True, timeout=TIMEOUT, check=False)
            except subprocess.TimeoutExpired as error:
                raise RenderError(f"{COMMAND} did not finish in {TIMEOUT:g} s", retryable=True) from error
            if result.returncode or not target.is_file():
                reason = result.stderr.decode("utf-8", "replace").strip() or f"status {result.returncode}"
                raise RenderError(f"voice {voice!r}: {COMMAND} failed: {reason}")
            return _read(target)


def _read(path: Path) -> tuple[Samples, int]:
    with wave.open(str(path), "rb") as file:
        data = file.readframes(file.getnframes())
        return np.frombuffer(data, "<i2").astype(np.float32) * FULL_SCALE, file.getframerate()
