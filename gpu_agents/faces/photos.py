"""Reference photos as they come from the store, and the pictures made of the best one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from PIL import Image

from gpu_agents.engines.base import OutputFile
from gpu_agents.faces.cutout import cut_out
from gpu_agents.faces.face import Bgr, Face
from gpu_agents.faces.quality import Quality
from schemas.errors import RenderError

Rgba = npt.NDArray[Any]
_THUMBNAIL_SIDE = 384
_LONG_SIDE = 1600  # larger photos are reduced first


class Photo(Struct, frozen=True, kw_only=True):
    """One reference photo as it was read: RGBA pixels, the face found in it, its vector and quality."""

    number: int  # its place among the photos handed in, from 1
    key: str
    pixels: Any
    face: Face
    vector: Any
    quality: Quality


def read_photo(key: str, inputs: Mapping[str, Path]) -> Rgba:
    """The input `key` as RGBA uint8, long side at most 1,600 px. Raises `RenderError`."""
    if key not in inputs:
        raise RenderError(f"photo_keys: the photo {key!r} was not handed over", code="missing_input")
    try:
        with Image.open(inputs[key], formats=["PNG", "JPEG", "WEBP"]) as picture:
            picture.thumbnail((_LONG_SIDE, _LONG_SIDE), Image.Resampling.LANCZOS)
            return np.asarray(picture.convert("RGBA"))
    except (OSError, ValueError) as error:
        raise RenderError(f"photo_keys: the photo {key!r} cannot be read: {error}", code="bad_input") from error


def over_grey(pixels: Rgba) -> Rgba:
    """RGB over mid grey, so that clear parts carry no hidden colours into a vector."""
    alpha = pixels[..., 3:].astype(np.float32) / 255
    return np.asarray(pixels[..., :3] * alpha + 128 * (1 - alpha) + 0.5, dtype=np.uint8)


def bgr(pixels: Rgba) -> Bgr:
    """What encoders read."""
    return over_grey(pixels)[..., ::-1].copy()


def write_portrait(best: Photo, workdir: Path) -> list[OutputFile]:
    """Files `portrait` (RGBA PNG, the person without background) and `thumbnail` (JPEG)."""
    cutout = cut_out(best.pixels, best.face)
    portrait, thumbnail = workdir / "portrait.png", workdir / "thumbnail.jpg"
    Image.fromarray(cutout).save(portrait, "PNG", compress_level=3)
    small = Image.fromarray(over_grey(best.pixels))
    small.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    small.save(thumbnail, "JPEG", quality=85)
    return [
        OutputFile(
            role="portrait",
            path=portrait,
            content_type="image/png",
            media={"width": cutout.shape[1], "height": cutout.shape[0]},
        ),
        OutputFile(
            role="thumbnail",
            path=thumbnail,
            content_type="image/jpeg",
            media={"width": small.width, "height": small.height},
        ),
    ]
