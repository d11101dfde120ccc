"""Frames of a clip to a file that the film engine cuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from gpu_agents.media.ffmpeg import INPUT_OPTIONS, FFmpeg, write_metadata
from gpu_agents.media.frames import Bytes

QUALITY = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-pix_fmt", "yuv420p", "-threads", "2", "-an")
_COLOUR = ("-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")


def write_clip(frames: Sequence[Bytes], fps: int, path: Path, comment: str, check: Callable[[], None]) -> Path:
    """Encode RGB frames (height, width, 3) of even size as H.264 in mp4, better than the film will be; no sound.

    `check` is called between frames and may raise, which ends ffmpeg. Raises `RenderError` when ffmpeg fails.
    """
    height, width = frames[0].shape[:2]
    tags = write_metadata(path.with_suffix(".tags"), {"comment": comment})
    source = ["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{width}x{height}", "-framerate", str(fps)]
    arguments = [*INPUT_OPTIONS, *source, "-i", "pipe:0", *INPUT_OPTIONS, "-f", "ffmetadata", "-i", str(tags)]
    convert = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-map", "0:v", "-map_metadata", "1"]
    with FFmpeg([*arguments, *convert, *QUALITY, *_COLOUR, str(path)], feed=True) as process:
        try:
            for frame in frames:
                check()
                process.stdin.write(np.ascontiguousarray(frame).data)
        except BrokenPipeError as error:
            raise process.failure() from error
        process.wait(check)
    tags.unlink()
    return path
