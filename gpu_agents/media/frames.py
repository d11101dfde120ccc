"""Pictures as planar YUV 4:2:0 frames (I420, BT.709, limited range): what the encoder eats, at half the bytes of BGR.

Planes follow MPEG-2 chroma siting: chroma sample (i, j) lies on luma column 2i, halfway between luma rows 2j and 2j+1.
Conversion coefficients: ITU-R BT.709-6, tables 3 and 4.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from schemas.errors import RenderError

Bytes = NDArray[np.uint8]
BLACK_LUMA, GREY_CHROMA = 16, 128
MAX_PIXELS = 64_000_000  # larger pictures are refused before they are decoded
_KR, _KB = 0.2126, 0.0722
_KG = 1.0 - _KR - _KB
_Y = np.array([_KR, _KG, _KB]) * 219 / 255
_CB = np.array([-_KR, -_KG, 1 - _KB]) / (2 * (1 - _KB)) * 224 / 255
_CR = np.array([1 - _KR, -_KG, -_KB]) / (2 * (1 - _KR)) * 224 / 255
RGB_TO_YUV = np.column_stack([np.stack([_Y, _CB, _CR]), [BLACK_LUMA, GREY_CHROMA, GREY_CHROMA]])
_INVERSE = np.linalg.inv(RGB_TO_YUV[:, :3])
YUV_TO_RGB = np.column_stack([_INVERSE, -_INVERSE @ RGB_TO_YUV[:, 3]])


class Planes:
    """One frame of even `width` x `height` px in a single buffer `flat` of width*height*3/2 bytes; `y`, `u`, `v` are views."""

    __slots__ = ("flat", "height", "u", "v", "width", "y")

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        luma, chroma = width * height, width * height // 4
        self.flat: Bytes = np.empty(luma + 2 * chroma, np.uint8)
        self.y = self.flat[:luma].reshape(height, width)
        self.u = self.flat[luma : luma + chroma].reshape(height // 2, width // 2)
        self.v = self.flat[luma + chroma :].reshape(height // 2, width // 2)

    def fill_black(self) -> Planes:
        """Paint the whole frame black."""
        self.y.fill(BLACK_LUMA)
        self.u.fill(GREY_CHROMA)
        self.v.fill(GREY_CHROMA)
        return self


def mix(first: Planes, second: Planes, amount: float, out: Planes) -> None:
    """`out` = first * (1 - amount) + second * amount; `amount` in 0..1."""
    cv2.addWeighted(first.flat, 1.0 - amount, second.flat, amount, 0.0, dst=out.flat)


def read_picture(path: Path) -> Bytes:
    """Decode a PNG, JPEG or WebP file to RGB (height, width, 3), upright, transparency over black.

    Raises `RenderError` when it cannot be decoded or has more than `MAX_PIXELS` pixels.
    """
    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise RenderError(f"picture {path.name}: {image.width}x{image.height} is more than {MAX_PIXELS} pixels")
            upright = ImageOps.exif_transpose(image)
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                layer = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", layer.size, (0, 0, 0, 255)), layer)
            return np.asarray(upright.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RenderError(f"picture {path.name} cannot be decoded: {error}") from error


def cover(rgb: Bytes, width: int, height: int, *, fine: bool = False) -> Bytes:
    """Scale a picture so that it just covers `width` x `height` px, keeping its shape; nothing is cut off.

    `fine` keeps more detail when shrinking, at three times the price.
    """
    source_height, source_width = rgb.shape[:2]
    scale = max(width / source_width, height / source_height)
    size = (max(width, round(source_width * scale)), max(height, round(source_height * scale)))
    if fine and size[0] * size[1] < source_width * source_height:
        return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))
    return resize(rgb, *size)


def crop_centre(rgb: Bytes, width: int, height: int) -> Bytes:
    """The middle `width` x `height` px of a picture that is at least as large."""
    top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
    return rgb[top : top + height, left : left + width]


def resize(pixels: Bytes, width: int, height: int) -> Bytes:
    """Scale to exactly `width` x `height` px: area average when shrinking, cubic when growing."""
    if pixels.shape[:2] == (height, width):
        return pixels
    shrinking = width * height < pixels.shape[0] * pixels.shape[1]
    return _bytes(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC))


def to_planes(rgb: Bytes, out: Planes | None = None) -> Planes:
    """Convert RGB of even size to a frame, into `out` where given."""
    height, width = rgb.shape[:2]
    planes = out or Planes(width, height)
    y, u, v = cv2.split(cv2.transform(rgb, RGB_TO_YUV))
    planes.y[:] = y
    for full, target in ((u, planes.u), (v, planes.v)):
        target[:] = _subsample(_bytes(full))
    return planes


def to_rgb(planes: Planes, long_side: int = 0) -> Bytes:
    """Convert a frame to RGB, scaled down to `long_side` px first when that is above 0 and smaller than the frame."""
    scale = min(1.0, long_side / max(planes.width, planes.height)) if long_side else 1.0
    size = (max(2, round(planes.width * scale)), max(2, round(planes.height * scale)))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    parts = [cv2.resize(plane, size, interpolation=shrink) for plane in (planes.y, planes.u, planes.v)]
    return _bytes(cv2.transform(cv2.merge(parts), YUV_TO_RGB))


def encode_jpeg(rgb: Bytes, quality: int = 88) -> bytes:
    """An RGB picture as a JPEG file. `quality` 1-100."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RenderError("a preview picture could not be encoded as JPEG")
    return bytes(data)


def _subsample(plane: Bytes) -> Bytes:
    """Halve a chroma plane: rows averaged in pairs, columns filtered (1 2 1)/4 around the even ones."""
    rows = cv2.addWeighted(plane[::2], 0.5, plane[1::2], 0.5, 0.0)
    smooth = cv2.sepFilter2D(rows, -1, np.array([0.25, 0.5, 0.25]), np.array([1.0]), borderType=cv2.BORDER_REPLICATE)
    return _bytes(smooth[:, ::2])


def _bytes(array: Any) -> Bytes:
    return np.asarray(array, np.uint8)
