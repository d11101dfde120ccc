"""Files of a picture: the encoded picture with its recipe inside, the thumbnail, small previews."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gpu_agents.engines.sketch.svg import Pixels
from schemas.specs import PictureFormat

CONTENT_TYPES: dict[PictureFormat, str] = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
THUMBNAIL_SIDE = 384
PREVIEW_SIDE = 256
_IMAGE_DESCRIPTION = 0x010E  # TIFF tag of the Exif standard


def encode(pixels: Pixels, output_format: PictureFormat, recipe: Mapping[str, Any]) -> bytes:
    """uint8 RGB to a file; the recipe as JSON in a PNG tEXt chunk "storyreel" or the Exif ImageDescription."""
    text = json.dumps(recipe, ensure_ascii=True, sort_keys=True)
    picture, out = Image.fromarray(pixels), io.BytesIO()
    if output_format == "png":
        info = PngInfo()
        info.add_text("storyreel", text)
        picture.save(out, "PNG", compress_level=1, pnginfo=info)
        return out.getvalue()
    exif = Image.Exif()
    exif[_IMAGE_DESCRIPTION] = text
    if output_format == "jpeg":
        picture.save(out, "JPEG", quality=92, subsampling=0, exif=exif.tobytes())
    else:
        picture.save(out, "WEBP", quality=90, method=2, exif=exif.tobytes())
    return out.getvalue()


def small_jpeg(pixels: Pixels, side: int, quality: int = 82) -> bytes:
    """A JPEG whose long side is at most `side` px."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """Size of the thumbnail of a picture."""
    picture = Image.new("1", (width, height))
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return picture.size
