"""Recipes: what repeats a result. Free of anything a person wrote; texts count through the digest of the whole spec."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from schemas.specs import Spec

_CHUNK = 1 << 20


def make_recipe(
    engine: str,
    engine_version: str,
    spec: Spec,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Path],
    libraries: tuple[str, ...],
) -> dict[str, Any]:
    """A recipe with its own `recipe_id` (32 hex digits): the same id means the same engine, libraries, spec and input bytes."""
    recipe: dict[str, Any] = {
        "engine": engine,
        "engine_version": engine_version,
        "libraries": {name: _version(name) for name in libraries},
        "parameters": dict(parameters),
        "spec_sha256": hashlib.sha256(msgspec.json.encode(spec)).hexdigest(),
        "inputs": {name: file_digest(path) for name, path in sorted(inputs.items())},
    }
    digest = hashlib.sha256(msgspec.json.encode(recipe, order="deterministic")).hexdigest()
    return {"recipe_id": digest[:32], **recipe}


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    return _digest(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _version(library: str) -> str:
    """The installed version: a file to read and parse, and the same as long as the process lives."""
    return version(library)


@lru_cache(maxsize=256)
def _digest(path: Path, _modified: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
