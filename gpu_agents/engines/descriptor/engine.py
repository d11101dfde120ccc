"""`DescriptorEngine`: reference photos of a character to an embedding and a cut-out portrait, without any weights."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct
from PIL import Image

from gpu_agents.engines.base import EngineKind, Estimate, OutputFile, RenderContext, RenderOutput
from gpu_agents.engines.descriptor.cutout import cut_out
from gpu_agents.engines.descriptor.detect import Face, detector_from_env, find_face
from gpu_agents.engines.descriptor.embedding import DIMENSIONS, ENCODER, Vector, embed
from gpu_agents.engines.descriptor.quality import Agreement, Quality, agreement, measure, weighted_mean
from schemas.errors import RenderError
from schemas.specs import EmbeddingSpec, Spec

Rgba = npt.NDArray[Any]
_THUMBNAIL_SIDE = 384
_LONG_SIDE = 1600  # larger photos are reduced first


class Photo(Struct, frozen=True, kw_only=True):
    """One reference photo as it was read: RGBA pixels, the face found in it, its descriptor and quality."""

    key: str
    pixels: Any
    face: Face
    vector: Any
    quality: Quality


class DescriptorEngine:
    """Face engine; `setup` loads the detector that STORYREEL_FACE_DETECTOR_MODEL names, without it faces are centre crops."""

    name: ClassVar[str] = "descriptor"
    kind: ClassVar[EngineKind] = EngineKind.FACE
    version: ClassVar[str] = "1"

    def __init__(self) -> None:
        self._detector: Any | None = None

    def setup(self) -> None:
        """Load and try the detector. Raises `ConfigurationError` naming the variable when it cannot work."""
        self._detector = detector_from_env()

    def estimate(self, spec: Spec) -> Estimate:
        """About 0.15 s a photo and 0.5 s for the cut-out."""
        photos = len(_embedding_spec(spec).photo_keys)
        return Estimate(seconds=0.5 + 0.15 * photos, steps=photos + 2)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Files `portrait` (RGBA PNG) and `thumbnail` (JPEG); `data` as described in `result_data`.

        Raises `RenderError` for 0 or more than 10 photos, a photo that was not handed over or cannot be read.
        """
        wanted = _embedding_spec(spec)
        if not 1 <= len(wanted.photo_keys) <= 10:
            raise RenderError(f"photo_keys: {len(wanted.photo_keys)} photos, 1 to 10 are allowed", code="bad_photos")
        steps = len(wanted.photo_keys) + 2
        photos = []
        for number, key in enumerate(wanted.photo_keys, start=1):
            photos.append(self._examine(key, context.inputs))
            context.progress(number, steps)
        agreed = agreement([photo.vector for photo in photos])
        mean = weighted_mean(
            [photo.vector for photo in photos], [photo.quality.overall for photo in photos], agreed.outliers
        )
        best = max(
            (i for i in range(len(photos)) if i not in agreed.outliers),
            key=lambda i: photos[i].quality.overall,
            default=0,
        )
        context.progress(steps - 1, steps)
        files = _write(photos[best], context.workdir)
        context.progress(steps, steps)
        data = result_data(photos, agreed, mean, best)
        return RenderOutput(files=files, recipe=self._recipe(wanted), summary=_summary(photos, agreed), data=data)

    def cancel(self) -> None:
        """The context's order to stop is looked at after every photo."""

    def _examine(self, key: str, inputs: Mapping[str, Path]) -> Photo:
        pixels = read_photo(key, inputs)
        face = find_face(over_grey(pixels)[..., ::-1].copy(), self._detector)
        return Photo(key=key, pixels=pixels, face=face, vector=embed(face.aligned), quality=measure(face))

    def _recipe(self, spec: EmbeddingSpec) -> dict[str, Any]:
        libraries = {name: version(name) for name in ("numpy", "opencv-python-headless", "pillow")}
        return {
            "engine": self.name, "version": self.version, "encoder": ENCODER, "libraries": libraries,
            "detector": self._detector is not None, "parameters": msgspec.to_builtins(spec),
        }  # fmt: skip


def result_data(photos: list[Photo], agreed: Agreement, mean: Vector, best: int) -> dict[str, Any]:
    """Plain JSON: embedding (768 floats), encoder, consistency, best photo, and per photo method, box, quality, outlier."""
    faces = [
        {
            "photo_key": photo.key, "method": photo.face.method, "box": [round(value, 1) for value in photo.face.box],
            "score": photo.face.score, "other_faces": photo.face.others, "quality": msgspec.to_builtins(photo.quality),
            "similarity": agreed.medians[i], "outlier": i in agreed.outliers,
        }
        for i, photo in enumerate(photos)
    ]  # fmt: skip
    return {
        "embedding": [float(value) for value in mean], "encoder": ENCODER, "dimensions": DIMENSIONS, "faces": faces,
        "consistency": agreed.consistency, "best": best,
    }  # fmt: skip


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
    """RGB over mid grey, so that clear parts carry no hidden colours into the descriptor."""
    alpha = pixels[..., 3:].astype(np.float32) / 255
    return np.asarray(pixels[..., :3] * alpha + 128 * (1 - alpha) + 0.5, dtype=np.uint8)


def _write(best: Photo, workdir: Path) -> list[OutputFile]:
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


def _summary(photos: list[Photo], agreed: Agreement) -> dict[str, Any]:
    crops = sum(photo.face.method == "centre_crop" for photo in photos)
    notes = []
    if crops:
        notes.append(f"no face was detected in {crops} of {len(photos)} photos; the middle of the picture was used")
    if agreed.outliers:
        notes.append(
            f"photos {', '.join(str(i + 1) for i in agreed.outliers)} differ from the others and were left out of the embedding"
        )
    return {
        "encoder": ENCODER,
        "photos": len(photos),
        "centre_crops": crops,
        "outliers": len(agreed.outliers),
        "consistency": agreed.consistency,
        "notes": notes,
    }


def _embedding_spec(spec: Spec) -> EmbeddingSpec:
    if not isinstance(spec, EmbeddingSpec):
        raise RenderError(f"engine descriptor reads embedding specs, not {type(spec).__name__}", code="spec_kind")
    return spec
