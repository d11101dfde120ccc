"""A face as every encoder hands it on."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

import numpy.typing as npt
from msgspec import Struct

Bgr = npt.NDArray[Any]
Vector = npt.NDArray[Any]
Method = Literal["detector", "centre_crop"]


class Face(Struct, frozen=True, kw_only=True):
    """A face of one photo: `box` = (x, y, w, h) in pixels, `score` 0-1 (0 = no detector), `aligned` a BGR square.

    `points` (5, 2): the person's right eye, left eye, nose and mouth corners in pixels, from left to right in a frontal
    picture; None where no detector found them. `others` counts further faces in the photo.
    """

    method: Method
    box: tuple[float, float, float, float]
    score: float
    aligned: Any
    others: int = 0
    points: Any = None


@runtime_checkable
class FaceEncoder(Protocol):
    """Finds faces and turns each into a vector of its own space. Photos are BGR uint8 (h, w, 3).

    `name` is the face engine's; `space` names the vector space, weights included: vectors of two spaces are never compared.
    `threshold` is the cosine from which two vectors count as one person. A `trained` encoder was taught to tell people
    apart; photos that it finds to disagree are refused. `detects` says whether faces are looked for at all.
    """

    name: str
    space: str
    dimensions: int
    threshold: float
    trained: bool

    @property
    def detects(self) -> bool:
        """Whether faces are looked for."""

    def load(self) -> None:
        """Load weights. Raises `ConfigurationError` naming what is missing."""

    def faces(self, photo: Bgr) -> list[Face]:
        """Every face that a detector finds, the best one first; empty without a detector."""

    def reference(self, photo: Bgr) -> Face | None:
        """The face that a reference photo is about; None when the encoder insists on a detected one and there is none."""

    def embed(self, face: Face) -> Vector:
        """A vector of length 1 with `dimensions` numbers."""

    def recipe(self) -> dict[str, Any]:
        """What the vectors depend on: hashes of weights, versions of libraries."""
