"""eSpeak NG as a shared library, called through ctypes.

Constants and signatures: `speak_lib.h` of eSpeak NG 1.5x. The library has one global state, hence the lock.
"""

from __future__ import annotations

import ctypes
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gpu_agents.media.sound import Samples
from schemas.errors import ConfigurationError, RenderError

SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to the callback, nothing is played
DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT
RATE = 1  # espeakRATE, words a minute
UTF8 = 1  # espeakCHARS_UTF8
BY_CHARACTER = 1  # POS_CHARACTER
FULL_SCALE = np.float32(1 / 32768)  # of a 16-bit sample
LONGEST_DATA_PATH = 140  # the library keeps the path in a buffer of 160 bytes
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_lock = threading.Lock()


def library_files() -> tuple[Path, Path] | None:
    """The shared library and its data folder from `espeakng-loader`, or None when they cannot be used here."""
    import espeakng_loader

    package: Any = espeakng_loader  # untyped
    library, data = Path(package.get_library_path()), Path(package.__file__).parent / "espeak-ng-data"
    if not library.is_file() or not data.is_dir() or len(str(data).encode()) > LONGEST_DATA_PATH:
        return None
    return library, data


class EspeakLibrary:
    """Speaks in this process; one line at a time."""

    def speak(self, text: str, voice: str, rate: int) -> tuple[Samples, int]:
        """Mono samples and their rate. Raises `RenderError` for an unknown voice, `ConfigurationError` when not loadable."""
        pieces: list[Samples] = []

        def receive(samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int) -> int:
            if count > 0:
                pieces.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) * FULL_SCALE)
            return 0

        callback = _Callback(receive)
        data = text.encode()
        with _lock:
            library, sample_rate = _load()
            if library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise RenderError(f"voice: eSpeak NG has no voice {voice!r}")
            library.espeak_SetSynthCallback(callback)
            library.espeak_SetParameter(RATE, rate, 0)
            status = library.espeak_Synth(data, len(data) + 1, 0, BY_CHARACTER, 0, UTF8, None, None)
            library.espeak_Synchronize()
        if status != 0:
            raise RenderError(f"eSpeak NG could not speak (status {status})", retryable=True)
        return (np.concatenate(pieces) if pieces else np.zeros(0, np.float32)), sample_rate


@lru_cache(maxsize=1)
def _load() -> tuple[ctypes.CDLL, int]:
    files = library_files()
    if files is None:
        raise ConfigurationError("espeakng-loader: its library or its voice data cannot be used on this machine")
    try:
        library = ctypes.CDLL(str(files[0]))
    except OSError as error:
        raise ConfigurationError(f"espeakng-loader: the library cannot be loaded: {error}") from error
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    sample_rate = library.espeak_Initialize(SYNCHRONOUS, 0, str(files[1]).encode(), DONT_EXIT)
    if sample_rate <= 0:
        raise ConfigurationError("espeakng-loader: eSpeak NG cannot read its voice data")
    return library, int(sample_rate)
