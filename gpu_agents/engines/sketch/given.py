"""A picture that was handed in takes the place of the drawing: cropped to the size and toned by the light."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from gpu_agents.engines.sketch.brief import plan
from gpu_agents.engines.sketch.colour import luma
from schemas.errors import RenderError
from schemas.specs import ShotSpec


def load_given(shot: ShotSpec, inputs: Mapping[str, Path]) -> npt.NDArray[Any]:
    """The input `shot.image_key`, scaled to cover the frame and cropped evenly, (h, w, 3) in 0-1.

    The light shows as a tint of equal brightness at a third of its strength, so the picture stays what it was.
    Raises `RenderError` when the file was not handed over or cannot be read.
    """
    path = inputs.get(shot.image_key)
    if path is None:
        raise RenderError(f"image_key: the input {shot.image_key!r} was not handed over", code="missing_input")
    try:
        with Image.open(path, formats=["PNG", "JPEG", "WEBP"]) as opened:
            fitted = ImageOps.fit(opened.convert("RGB"), (shot.width, shot.height), Image.Resampling.LANCZOS)
    except (OSError, ValueError) as error:
        raise RenderError(
            f"image_key: the input {shot.image_key!r} cannot be read: {error}", code="bad_input"
        ) from error
    picture = np.asarray(fitted, dtype=np.float32) / 255
    _, _, pal = plan(shot)
    if shot.lighting == "natural":
        return picture
    tint = np.array(pal.key, np.float32) / max(0.2, luma(pal.key))
    dim = 0.72 if pal.dark else 1.0
    return np.asarray(picture * (0.66 + 0.34 * tint) * dim, dtype=np.float32)
