"""The cheapest real picture: one colour, a few hundred bytes. For load tests of everything around the engines."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import ClassVar

from gpu_agents.engines.base import EngineKind, Estimate, OutputFile, RenderContext, RenderOutput
from schemas.errors import RenderError
from schemas.specs import ShotSpec, Spec

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_THUMBNAIL_LONG_SIDE = 16


def colour_of(seed: int) -> tuple[int, int, int]:
    """An RGB colour (0-255) spread over the seeds: three bytes of a 32-bit multiplicative hash (Knuth, TAOCP vol. 3, 6.4)."""
    value = (seed * 2654435761 + 0x9E3779B9) & 0xFFFFFFFF
    return value >> 24, (value >> 16) & 255, (value >> 8) & 255


def plain_png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A PNG of one colour: one palette entry, one bit a pixel (PNG specification, sections 11.2.2 and 11.2.3)."""
    header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", bytes(colour)), (b"IDAT", _pixels(width, height)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


@lru_cache(maxsize=64)
def _pixels(width: int, height: int) -> bytes:
    """The first palette entry everywhere: the same bytes for every colour."""
    return zlib.compress(bytes((1 + (width + 7) // 8) * height), 1)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


class NullEngine:
    """Image engine that answers every shot with a plain PNG of the asked size, whatever format the spec names."""

    name: ClassVar[str] = "null"
    kind: ClassVar[EngineKind] = EngineKind.IMAGE
    version: ClassVar[str] = "1"

    def setup(self) -> None:
        """Nothing to load."""

    def estimate(self, spec: Spec) -> Estimate:  # noqa: ARG002
        """A few milliseconds whatever the size."""
        return Estimate(seconds=0.003, steps=1)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Write `main` and a tiny `thumbnail`, both PNG. Raises `RenderError` for another kind of spec."""
        if not isinstance(spec, ShotSpec):
            raise RenderError(f"engine null renders shots, not {type(spec).__name__}", code="spec_kind")
        context.check_cancelled()
        colour = colour_of(spec.seed)
        scale = _THUMBNAIL_LONG_SIDE / max(spec.width, spec.height)
        small = (max(1, round(spec.width * scale)), max(1, round(spec.height * scale)))
        files = []
        for role, (width, height) in (("main", (spec.width, spec.height)), ("thumbnail", small)):
            path = context.workdir / f"{role}.png"
            path.write_bytes(plain_png(width, height, colour))
            media = {"width": width, "height": height}
            files.append(OutputFile(role=role, path=path, content_type="image/png", media=media))
        context.progress(1, 1)
        recipe = {
            "engine": self.name,
            "version": self.version,
            "width": spec.width,
            "height": spec.height,
            "seed": spec.seed,
        }
        return RenderOutput(files=files, recipe=recipe, summary={"colour": "#" + bytes(colour).hex()})

    def cancel(self) -> None:
        """The render is shorter than any reaction to this."""
