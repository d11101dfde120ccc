"""Running ffmpeg: one place that starts it, feeds it, reads its errors and makes sure that it ends.

The binary comes with imageio-ffmpeg. Nothing a person wrote is put on a command line: titles travel in a metadata file.
"""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Self

import imageio_ffmpeg

from schemas.errors import ConfigurationError, RenderError

INPUT_OPTIONS = ("-protocol_whitelist", "file,pipe")
POLL_SECONDS = 0.1
STDERR_LINES = 20


@lru_cache(maxsize=1)
def ffmpeg_exe() -> str:
    """Path of the ffmpeg binary. Raises `ConfigurationError` when there is none."""
    try:
        package: Any = imageio_ffmpeg  # untyped
        return str(package.get_ffmpeg_exe())
    except RuntimeError as error:
        raise ConfigurationError(f"no ffmpeg binary: {error}") from error


class FFmpeg:
    """A running ffmpeg as a context manager; leaving it by an exception kills the process, leaving it normally waits for it.

    `arguments` follow the global options. Raises `RenderError` with the end of ffmpeg's own error text when it fails.
    """

    def __init__(self, arguments: Sequence[str], *, feed: bool = False) -> None:
        command = [ffmpeg_exe(), "-hide_banner", "-nostats", "-loglevel", "error", "-y", *arguments]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._errors: deque[str] = deque(maxlen=STDERR_LINES)
        self._reader = threading.Thread(target=self._read_errors, name="ffmpeg-stderr", daemon=True)
        self._reader.start()

    @property
    def stdin(self) -> IO[bytes]:
        """The pipe of a process started with `feed=True`."""
        if self._process.stdin is None:
            raise RenderError("ffmpeg was started without an input pipe")
        return self._process.stdin

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if kind is not None:
            self.kill()
        elif self._process.poll() is None:
            self.wait()

    def wait(self, check: Callable[[], None] = lambda: None) -> None:
        """Close the pipe and wait for the end, calling `check` ten times a second (it may raise, which kills ffmpeg)."""
        try:
            if self._process.stdin is not None and not self._process.stdin.closed:
                self._process.stdin.close()
        except BrokenPipeError as error:
            raise self.failure() from error
        while True:
            try:
                self._process.wait(POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                check()
        if self._process.returncode != 0:
            raise self.failure()

    def kill(self) -> None:
        """End the process now and reap it."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def drop_input(self) -> None:
        """Close the pipe of a killed process; what was not sent yet is lost on purpose."""
        with suppress(BrokenPipeError):
            self.stdin.close()

    def failure(self) -> RenderError:
        """The error to raise after ffmpeg failed: its exit status and the last lines it wrote."""
        self._process.wait()
        self._reader.join()
        text = "\n".join(self._errors) or "no message"
        return RenderError(f"ffmpeg ended with status {self._process.returncode}: {text}", code="ffmpeg_failed")

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self._errors.append(line.decode("utf-8", "replace").rstrip())


def run_ffmpeg(arguments: Sequence[str], check: Callable[[], None] = lambda: None) -> None:
    """Run ffmpeg to its end, calling `check` ten times a second; an exception of `check` kills it."""
    with FFmpeg(arguments) as process:
        process.wait(check)


def write_metadata(path: Path, tags: dict[str, str]) -> Path:
    """Write tags as an ffmetadata file (https://ffmpeg.org/ffmpeg-formats.html#Metadata-2) and return its path."""
    lines = [";FFMETADATA1", *(f"{key}={_escape(value)}" for key, value in tags.items() if value)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _escape(value: str) -> str:
    flat = " ".join(value.split())
    return "".join("\\" + character if character in "\\=;#" else character for character in flat)
