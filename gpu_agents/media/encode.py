"""From frames to a film file: a writer that feeds ffmpeg from its own thread, and the settings of each format."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from msgspec import Struct

from gpu_agents.media.ffmpeg import INPUT_OPTIONS, FFmpeg, run_ffmpeg
from gpu_agents.media.frames import Planes
from schemas.errors import RenderError
from schemas.specs import VideoFormat

BUFFERS = 12  # frames between the painter and the encoder: what it encodes while the next picture is decoded
WAIT_SECONDS = 0.1
THREADS = "2"
GIF_LONG_SIDE, GIF_FPS = 480, 12.5  # 12.5 = a delay of 8 hundredths, the unit of the format
PALETTE_FRAMES, PALETTE_SIDE = 24, 160  # what the palette is chosen from: enough colours, quickly counted
_COLOUR = ("-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-threads", THREADS)
CODECS: dict[str, tuple[str, ...]] = {
    "mp4": (*_X264, "-crf", "20", "-c:a", "aac", "-b:a", "160k", "-movflags", "+faststart"),
    "webm": (
        *("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1", "-tile-columns", "1"),
        *("-crf", "32", "-b:v", "0", "-pix_fmt", "yuv420p", "-threads", THREADS, "-c:a", "libopus", "-b:a", "128k"),
    ),
    "gif": (*_X264, "-crf", "14", "-an"),  # the intermediate film
}
TEXT_CODECS = {"mp4": "mov_text", "webm": "webvtt"}
CONTENT_TYPES: dict[VideoFormat, str] = {"mp4": "video/mp4", "webm": "video/webm", "gif": "image/gif"}


class Job(Struct, frozen=True, kw_only=True):
    """What ffmpeg is to make: sizes in px, the sound (48 kHz stereo wave), tags, and an optional subtitle track (SubRip)."""

    width: int
    height: int
    fps: int
    format: VideoFormat
    sound: Path
    tags: Path
    text: Path | None = None
    text_language: str = "eng"
    target: Path


class FrameWriter:
    """Feeds frames to ffmpeg. `take` a free frame, paint it, `put` it; `finish` at the end. Use as a context manager:

    leaving by an exception ends ffmpeg at once. `check` is called while waiting and may raise.
    """

    def __init__(self, job: Job, check: Callable[[], None]) -> None:
        self._check = check
        self._free: queue.Queue[Planes] = queue.Queue()
        for _ in range(BUFFERS):
            self._free.put(Planes(job.width, job.height))
        self._full: queue.Queue[Planes | None] = queue.Queue()
        self._broken: OSError | None = None
        self._ffmpeg = FFmpeg(encoder_arguments(job), feed=True)
        self._thread = threading.Thread(target=self._feed, name="frame-writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if kind is not None:
            self._ffmpeg.kill()
            self._full.put(None)
            self._thread.join()
            self._ffmpeg.drop_input()

    def take(self) -> Planes:
        """A frame to paint; waits while the encoder is behind. Raises `RenderError` when ffmpeg has ended."""
        while True:
            if self._broken is not None:
                raise self._ffmpeg.failure() from self._broken
            try:
                return self._free.get(timeout=WAIT_SECONDS)
            except queue.Empty:
                self._check()

    def put(self, frame: Planes) -> None:
        """Hand a painted frame over; it must not be touched any more."""
        self._full.put(frame)

    def finish(self) -> None:
        """Send what is left and wait for the file. Raises `RenderError` when ffmpeg fails."""
        self._full.put(None)
        while self._thread.is_alive():
            self._check()
            self._thread.join(WAIT_SECONDS)
        if self._broken is not None:
            raise self._ffmpeg.failure() from self._broken
        self._ffmpeg.wait(self._check)

    def _feed(self) -> None:
        try:
            while (frame := self._full.get()) is not None:
                self._ffmpeg.stdin.write(frame.flat.data)
                self._free.put(frame)
        except OSError as error:  # raised again in the painter's thread with ffmpeg's own words
            self._broken = error


def encoder_arguments(job: Job) -> list[str]:
    """Ffmpeg's arguments that turn I420 frames on its input pipe and the sound file into `job.target`."""
    size = f"{job.width}x{job.height}"
    arguments = [*INPUT_OPTIONS, "-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", size]
    arguments += ["-framerate", str(job.fps), *_COLOUR, "-i", "pipe:0", *INPUT_OPTIONS, "-i", str(job.sound)]
    arguments += [*INPUT_OPTIONS, "-f", "ffmetadata", "-i", str(job.tags)]
    if job.text is not None:
        arguments += [*INPUT_OPTIONS, "-f", "srt", "-i", str(job.text)]
    arguments += ["-map", "0:v", "-map", "1:a", "-map_metadata", "2"]
    if job.text is not None:
        language = f"language={job.text_language}"
        arguments += ["-map", "3:s", "-c:s", TEXT_CODECS[job.format], "-metadata:s:s:0", language]
    return [*arguments, *CODECS[job.format], *_COLOUR, "-g", str(job.fps * 4), str(job.target)]


def make_gif(film: Path, target: Path, seconds: float, check: Callable[[], None]) -> None:
    """Turn a film into a GIF of at most `GIF_LONG_SIDE` px and `GIF_FPS`, without sound, with one palette for all frames.

    `seconds` is the length of the film.
    """
    source = [*INPUT_OPTIONS, "-i", str(film)]
    palette = target.with_name("palette.png")
    colours = f"{_thin(max(0.01, PALETTE_FRAMES / seconds), PALETTE_SIDE)},palettegen=stats_mode=full"
    run_ffmpeg([*source, "-vf", colours, "-update", "1", str(palette)], check)
    side = _thin(GIF_FPS, GIF_LONG_SIDE)
    graph = f"{side}[small];[small][1:v]paletteuse=dither=bayer:bayer_scale=4"
    run_ffmpeg([*source, *INPUT_OPTIONS, "-i", str(palette), "-lavfi", graph, "-loop", "0", str(target)], check)
    if not target.stat().st_size:
        raise RenderError("ffmpeg wrote an empty GIF", code="ffmpeg_failed")
    palette.unlink()


def _thin(fps: float, long_side: int) -> str:
    """A filter to fewer and smaller frames; made of numbers only."""
    return f"fps={fps},scale={long_side}:{long_side}:force_original_aspect_ratio=decrease:flags=area"
