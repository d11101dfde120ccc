"""What is made of a character's photos once they have vectors: which is best, which are refused, what is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gpu_agents.faces.face import FaceEncoder, Vector
from gpu_agents.faces.photos import Photo
from gpu_agents.faces.vectors import Agreement
from schemas.errors import RenderError


def check_agreement(photos: Sequence[Photo], agreed: Agreement, threshold: float) -> None:
    """Raise `RenderError` when it cannot be told whom the photos show: two that disagree, or most of them stand out."""
    if len(photos) == 2 and agreed.consistency < threshold:
        first, second = (photo.number for photo in photos)
        message = (
            f"photos: {first} and {second} do not show the same person "
            f"(similarity {agreed.consistency:.2f}, at least {threshold:.2f} is needed)"
        )
        raise RenderError(message, code="photos_disagree")
    if len(agreed.outliers) * 2 >= len(photos):
        numbers = ", ".join(str(photos[i].number) for i in agreed.outliers)
        message = f"photos: {numbers} of {len(photos)} do not show the same person as the others"
        raise RenderError(message, code="photos_disagree")


def chosen(photos: Sequence[Photo], agreed: Agreement) -> int:
    """Place of the photo of best quality that is no outlier."""
    kept = (i for i in range(len(photos)) if i not in agreed.outliers)
    return max(kept, key=lambda i: photos[i].quality.overall, default=0)


def result_data(
    encoder: FaceEncoder, photos: Sequence[Photo], agreed: Agreement, mean: Vector, best: int
) -> dict[str, Any]:
    """Plain JSON: embedding, encoder (its space), consistency, best photo, and per photo method, box, quality, outlier."""
    faces = [
        {
            "photo": photo.number,
            "photo_key": photo.key,
            "method": photo.face.method,
            "box": [round(value, 1) for value in photo.face.box],
            "score": photo.face.score,
            "other_faces": photo.face.others,
            "quality": msgspec.to_builtins(photo.quality),
            "similarity": agreed.medians[i],
            "outlier": i in agreed.outliers,
        }
        for i, photo in enumerate(photos)
    ]
    return {
        "embedding": [float(value) for value in mean],
        "encoder": encoder.space,
        "dimensions": encoder.dimensions,
        "faces": faces,
        "consistency": agreed.consistency,
        "least_similarity": agreed.least,
        "best": best,
    }


def summary(
    encoder: FaceEncoder, photos: Sequence[Photo], agreed: Agreement, faceless: Sequence[int]
) -> dict[str, Any]:
    """A few facts for people; photos are numbered from 1 in the order they were handed in."""
    crops = sum(photo.face.method == "centre_crop" for photo in photos)
    total = len(photos) + len(faceless)
    notes = []
    if crops:
        notes.append(f"no face was detected in {crops} of {total} photos; the middle of the picture was used")
    if faceless:
        notes.append(f"no face was found in photos {_listed(faceless)}; they were left out of the embedding")
    outliers = [photos[i].number for i in agreed.outliers]
    if outliers:
        notes.append(f"photos {_listed(outliers)} differ from the others and were left out of the embedding")
    return {
        "encoder": encoder.space,
        "photos": total,
        "centre_crops": crops,
        "outliers": len(outliers),
        "outlier_photos": outliers,
        "faceless_photos": list(faceless),
        "consistency": agreed.consistency,
        "least_similarity": agreed.least,
        "notes": notes,
    }


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
