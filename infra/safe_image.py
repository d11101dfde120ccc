"""Turns an untrusted upload into a picture that is safe to keep: decoded and re-encoded in a limited child process.

The parent never parses the upload. What comes back is a fresh PNG that holds pixels only: EXIF, GPS, ICC profiles,
comments and bytes appended to the file are gone; the EXIF orientation was applied; transparency is kept.
"""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
from pathlib import Path

from msgspec import Struct

from schemas.errors import StoryreelError

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 25_000_000
_TIMEOUT = 20.0  # seconds of wall time; the child's own limit is on CPU time
_REFUSED = 3
_CHILD = Path(__file__).with_name("safe_image_child.py")


class UnsafeImageError(StoryreelError):
    """An upload that broke a rule. `rule`: bytes, format, pixels, frames, decode or resources (time or memory)."""

    code = "unsafe_image"

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(f"{rule}: {message}")
        self.rule = rule


class SafeImage(Struct, frozen=True, kw_only=True):
    """A PNG (RGB or RGBA, 8 bits a channel, no metadata) and its size in pixels after the orientation was applied."""

    png: bytes
    width: int
    height: int


def decode_safely(data: bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> SafeImage:
    """Decode and re-encode `data` (PNG, JPEG or WebP, one frame). Raises `UnsafeImageError` naming the broken rule."""
    _check_bytes(data, max_bytes)
    try:
        done = subprocess.run(_command(max_pixels), input=data, capture_output=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise UnsafeImageError("resources", f"decoding took more than {_TIMEOUT:g} s") from error
    return _result(done.returncode, done.stdout)


async def decode_safely_async(data: bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> SafeImage:
    """`decode_safely` without blocking the event loop; the child is killed when the caller is cancelled."""
    _check_bytes(data, max_bytes)
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*_command(max_pixels), stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(_TIMEOUT):
            out, _ = await child.communicate(data)
    except TimeoutError as error:
        raise UnsafeImageError("resources", f"decoding took more than {_TIMEOUT:g} s") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return _result(child.returncode, out)


def _check_bytes(data: bytes, max_bytes: int) -> None:
    if not data:
        raise UnsafeImageError("bytes", "the file is empty")
    if len(data) > max_bytes:
        raise UnsafeImageError("bytes", f"{len(data)} bytes are more than the allowed {max_bytes}")


def _command(max_pixels: int) -> list[str]:
    return [sys.executable, "-I", str(_CHILD), str(max_pixels)]


def _result(code: int | None, out: bytes) -> SafeImage:
    if code == _REFUSED:
        rule, _, message = out.decode("utf-8", "replace").partition(": ")
        raise UnsafeImageError(rule, message)
    if code != 0:
        raise UnsafeImageError("resources", f"the decoder ended with status {code} (a limit on time or memory was hit)")
    width, height = struct.unpack(">II", out[16:24])  # IHDR follows the signature in every PNG
    return SafeImage(png=out, width=width, height=height)
