"""What every face engine does: reference photos to one vector and a portrait, one photo against a stored vector."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from gpu_agents.engines.base import EngineKind, Estimate, RenderContext, RenderOutput
from gpu_agents.faces.face import FaceEncoder
from gpu_agents.faces.judging import check_agreement, chosen, result_data, summary
from gpu_agents.faces.meaning import note_on, same_person
from gpu_agents.faces.photos import Photo, bgr, read_photo, write_portrait
from gpu_agents.faces.quality import measure
from gpu_agents.faces.reference import compare_with, threshold_of
from gpu_agents.faces.vectors import agreement, weighted_mean
from schemas.errors import RenderError
from schemas.specs import EmbeddingSpec, Spec, VerifySpec

OUTLIER_BELOW = 0.35  # median cosine with the other photos, where the encoder was not trained to tell people apart


class FaceEngine:
    """Base of the face engines; `setup` loads the encoder. Subclasses name themselves."""

    name: ClassVar[str]
    kind: ClassVar[EngineKind] = EngineKind.FACE
    version: ClassVar[str]

    def __init__(self, encoder: FaceEncoder) -> None:
        self.encoder = encoder

    def setup(self) -> None:
        """Load the encoder. Raises `ConfigurationError` naming what is missing."""
        self.encoder.load()

    def estimate(self, spec: Spec) -> Estimate:
        """About 0.15 s a photo and 0.5 s for the cut-out."""
        if isinstance(spec, VerifySpec):
            return Estimate(seconds=0.2, steps=1)
        photos = len(self._embedding_spec(spec).photo_keys)
        return Estimate(seconds=0.5 + 0.15 * photos, steps=photos + 2)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """For photos: files `portrait` (RGBA PNG) and `thumbnail` (JPEG), data as of `judging.result_data`. For a
        verification: no file, the score in summary and data.

        Raises `RenderError` for 0 or more than 10 photos, a photo that was not handed over or cannot be read, photos
        without a face and photos of different persons.
        """
        if isinstance(spec, VerifySpec):
            return self._verify(spec, context)
        wanted = self._embedding_spec(spec)
        if not 1 <= len(wanted.photo_keys) <= 10:
            raise RenderError(f"photo_keys: {len(wanted.photo_keys)} photos, 1 to 10 are allowed", code="bad_photos")
        steps = len(wanted.photo_keys) + 2
        photos: list[Photo] = []
        for number, key in enumerate(wanted.photo_keys, start=1):
            photos += self._examine(number, key, context.inputs)
            context.progress(number, steps)
        faceless = sorted(set(range(1, len(wanted.photo_keys) + 1)) - {photo.number for photo in photos})
        if not photos:
            raise RenderError("photos: no face was found in any of them", code="no_face")
        limit = threshold_of(self.encoder)
        vectors = [photo.vector for photo in photos]
        agreed = agreement(vectors, limit if self.encoder.trained else OUTLIER_BELOW)
        if self.encoder.trained:
            check_agreement(photos, agreed, limit)
        mean = weighted_mean(vectors, [photo.quality.overall for photo in photos], agreed.outliers)
        best = chosen(photos, agreed)
        context.progress(steps - 1, steps)
        files = write_portrait(photos[best], context.workdir)
        context.progress(steps, steps)
        data = result_data(self.encoder, photos, agreed, mean, best) | {"engine": self.name}
        return RenderOutput(
            files=files,
            recipe=self._recipe(wanted),
            summary=summary(self.encoder, photos, agreed, faceless),
            data=data,
        )

    def cancel(self) -> None:
        """The context's order to stop is looked at after every photo."""

    def _examine(self, number: int, key: str, inputs: Mapping[str, Path]) -> list[Photo]:
        pixels = read_photo(key, inputs)
        face = self.encoder.reference(bgr(pixels))
        if face is None:
            return []
        vector = self.encoder.embed(face)
        return [Photo(number=number, key=key, pixels=pixels, face=face, vector=vector, quality=measure(face))]

    def _verify(self, spec: VerifySpec, context: RenderContext) -> RenderOutput:
        found = self._examine(1, spec.photo_key, context.inputs)
        if not found:
            raise RenderError("photo: no face was found in it", code="no_face")
        (photo,) = found
        score, limit = compare_with(self.encoder, photo.vector, spec.face), threshold_of(self.encoder)
        told = {
            "score": round(score, 4),
            "threshold": limit,
            "reached": score >= limit,
            "same_person": same_person(self.encoder, reached=score >= limit),
            "note": note_on(self.encoder),
            "encoder": self.encoder.space,
            "face": photo.face.method,
            "other_faces": photo.face.others,
            "quality": msgspec.to_builtins(photo.quality),
        }
        context.progress(1, 1)
        return RenderOutput(files=[], recipe=self._recipe(spec), summary=told, data={"verification": told})

    def _recipe(self, spec: EmbeddingSpec | VerifySpec) -> dict[str, Any]:
        keys = spec.photo_keys if isinstance(spec, EmbeddingSpec) else [spec.photo_key]
        parameters = {"photo_keys": keys}
        return {"engine": self.name, "version": self.version, **self.encoder.recipe(), "parameters": parameters}

    def _embedding_spec(self, spec: Spec) -> EmbeddingSpec:
        if not isinstance(spec, EmbeddingSpec):
            message = f"engine {self.name} reads embedding and verify specs, not {type(spec).__name__}"
            raise RenderError(message, code="spec_kind")
        return spec
