"""The child side of `infra.safe_image`: a script that imports only the standard library and Pillow.

Reads the upload on stdin, writes a PNG on stdout (exit 0) or `rule: message` (exit 3). Arguments: max_pixels.
It limits itself before the first byte is looked at, so that a hostile file costs at most this process.
"""

from __future__ import annotations

import io
import resource
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

CPU_SECONDS = 10
MEMORY_BYTES = 1536 * 1024 * 1024
REFUSED = 3


class RefusalError(Exception):
    """A broken rule: `rule` is one of format, pixels, frames, decode."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def limit_self() -> None:
    """CPU time, address space, no core dump, no file growth; the kernel ends the process beyond them."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def normalise(data: bytes, max_pixels: int) -> bytes:
    """The picture as RGB or RGBA PNG without any metadata. Raises `RefusalError`."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # the header check below is the stricter rule
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "WEBP"]) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise RefusalError("pixels", f"{width}x{height} is more than {max_pixels} pixels")
            frames = getattr(picture, "n_frames", 1)
            if frames != 1 or getattr(picture, "is_animated", False):
                raise RefusalError("frames", f"exactly one frame is allowed, this file has {frames}")
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            return _encode(_plain_mode(upright))
    except UnidentifiedImageError as error:
        raise RefusalError("format", "only PNG, JPEG and WebP pictures are allowed") from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise RefusalError("decode", f"the picture is damaged or incomplete ({type(error).__name__})") from error


def _plain_mode(picture: Picture) -> Picture:
    if picture.mode.startswith("I;16") or picture.mode == "I":
        picture = picture.convert("I").point([value >> 8 for value in range(65536)], "L")
    transparent = picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info
    return picture.convert("RGBA" if transparent else "RGB")


def _encode(picture: Picture) -> bytes:
    from PIL import Image

    bare = Image.frombytes(picture.mode, picture.size, picture.tobytes())
    out = io.BytesIO()
    bare.save(out, "PNG", compress_level=1)
    return out.getvalue()


def main() -> int:
    """Run one request."""
    limit_self()
    data = sys.stdin.buffer.read()
    try:
        result = normalise(data, int(sys.argv[1]))
    except RefusalError as refusal:
        sys.stdout.write(f"{refusal.rule}: {refusal}")
        return REFUSED
    sys.stdout.buffer.write(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
