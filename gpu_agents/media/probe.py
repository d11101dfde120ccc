"""What is inside a media file: container, streams and length, read with PyAV."""

from __future__ import annotations

from pathlib import Path

import av
from msgspec import Struct

from schemas.errors import RenderError


class StreamInfo(Struct, frozen=True, kw_only=True):
    """One stream. `kind`: "video", "audio" or "subtitle"; sizes in pixels, rates in Hz, fps in frames per second; 0 = n/a."""

    kind: str
    codec: str
    width: int = 0
    height: int = 0
    fps: float = 0.0
    sample_rate: int = 0
    channels: int = 0


class MediaInfo(Struct, frozen=True, kw_only=True):
    """A media file. `duration` in seconds; `frames` is the counted number of pictures of the first video stream."""

    container: str
    duration: float
    streams: list[StreamInfo]
    frames: int
    metadata: dict[str, str]

    def first(self, kind: str) -> StreamInfo | None:
        """The first stream of a kind."""
        return next((stream for stream in self.streams if stream.kind == kind), None)


def probe(path: Path, *, count_frames: bool = True) -> MediaInfo:
    """Read the headers of `path`; `count_frames` also walks its video packets, since not every container stores the count.

    Raises `RenderError` when it is no media file.
    """
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}) as container:
            streams = [_stream(stream) for stream in container.streams if stream.type in ("video", "audio", "subtitle")]
            frames = _count(container) if count_frames and container.streams.video else 0
            return MediaInfo(
                container=container.format.name,
                duration=(container.duration or 0) / 1_000_000,
                streams=streams,
                frames=frames,
                metadata={key.lower(): value for key, value in container.metadata.items()},
            )
    except (av.FFmpegError, OSError) as error:
        raise RenderError(f"{path.name} cannot be read as a media file: {error}") from error


def _stream(stream: av.stream.Stream) -> StreamInfo:
    context = stream.codec_context
    name = context.name if context is not None else ""
    if isinstance(stream, av.VideoStream):
        rate = float(stream.average_rate or 0)
        return StreamInfo(kind="video", codec=name, width=stream.width, height=stream.height, fps=rate)
    if isinstance(stream, av.AudioStream):
        return StreamInfo(kind="audio", codec=name, sample_rate=stream.rate or 0, channels=stream.channels)
    return StreamInfo(kind=stream.type, codec=name)


def _count(container: av.container.InputContainer) -> int:
    return sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)
