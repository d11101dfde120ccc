"""What specs need of a character's opened result: its vector and its photos."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

from projections.folds.characters import embedding_of
from schemas.specs import FaceRef


def face_of(result: Mapping[str, Any]) -> FaceRef | None:
    """The vector in an opened result as specs carry it; None when there is none, or none that can be used."""
    data = result.get("data")
    if not isinstance(data, Mapping) or embedding_of(result) is None:
        return None
    values = [float(value) for value in data["embedding"]]
    if not all(math.isfinite(value) and abs(value) <= 60_000 for value in values):
        return None
    engine = str(data.get("engine", "descriptor"))  # results of earlier versions do not name it
    return FaceRef(encoder=engine, space=str(data["encoder"]), vector=struct.pack(f"<{len(values)}e", *values))


def photo_keys_of(result: Mapping[str, Any]) -> list[str]:
    """Object keys of the photos that the vector is made of, best first."""
    faces = [face for face in (result.get("data") or {}).get("faces", []) if not face.get("outlier")]
    return [face["photo_key"] for face in sorted(faces, key=lambda face: -face["quality"]["overall"])]
