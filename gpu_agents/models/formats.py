"""Which files a model may consist of: safetensors, ONNX and plain text. Nothing that runs code when it is read.

A file is judged by its name and by its first bytes before any library opens it: pickles (PyTorch's .bin and .pt among
them) execute whatever they say, under whatever name they come.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schemas.errors import ConfigurationError

PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".npy", ".npz", ".joblib", ".h5", ".keras", ".msgpack"}
WEIGHTS = {".safetensors", ".onnx"}
TEXTS = {".json", ".txt", ".md", ".jinja", ".yaml", ".yml", ".toml", ".gitattributes", ".gitignore"}
TOKENS = {".model"}  # SentencePiece vocabularies, protocol buffers
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".gif"}  # of the model's page; never read
BARE = {"LICENSE", "LICENCE", "NOTICE", "README", ".gitattributes", ".gitignore"}
LIBRARIES = {"diffusers", "transformers", "flax", "", "null"}
_MAX_HEADER = 100 * 1024 * 1024
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive, as torch.save writes it",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
}


def files_of(place: Path) -> dict[str, Path]:
    """Every file of a model by its path in the model's folder; one file is its own folder.

    Links are followed, as the hub's own cache has them. Raises `ConfigurationError` when there is nothing.
    """
    if place.is_file():
        return {place.name: place}
    if not place.is_dir():
        raise ConfigurationError(f"{place.name}: there is no such folder or file")
    found = {}
    for path in sorted(place.rglob("*")):
        if path.is_dir() or ".cache" in path.relative_to(place).parts:
            continue
        found[path.relative_to(place).as_posix()] = path
    if not found:
        raise ConfigurationError(f"{place.name}: the folder is empty")
    return found


def check_formats(place: Path) -> dict[str, Path]:
    """The files of a model if all are of a kind that is safe to read.

    Raises `ConfigurationError` naming the file and the rule; nothing but the first bytes of a file was read until then.
    """
    found = files_of(place)
    for name in found:
        check_name(name)
    for name, path in found.items():
        _check_start(name, path)
    if "model_index.json" in found:
        check_index(_read_index(found["model_index.json"]))
    return found


def check_name(name: str) -> None:
    """Whether a file may be part of a model, by its name. Raises `ConfigurationError`."""
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        raise ConfigurationError(
            f"{name}: {suffix} files can run code when they are read; only safetensors and ONNX are used"
        )
    if suffix == ".py":
        raise ConfigurationError(f"{name}: code that comes with a model is never run")
    if suffix not in WEIGHTS | TEXTS | TOKENS | PICTURES and path.name.upper() not in {bare.upper() for bare in BARE}:
        raise ConfigurationError(f"{name}: {suffix or 'a name without suffix'} is no file type of a model")


def wanted(name: str) -> bool:
    """Whether a file of a repository is worth fetching: what `check_name` allows, without pictures."""
    try:
        check_name(name)
    except ConfigurationError:
        return False
    return Path(name).suffix.lower() not in PICTURES


def check_index(index: dict[str, Any]) -> None:
    """A pipeline's model_index.json may name classes of diffusers and transformers only. Raises `ConfigurationError`."""
    kind = index.get("_class_name")
    if not isinstance(kind, str) or not kind.isidentifier():
        raise ConfigurationError(f"model_index.json: _class_name {kind!r} is not the name of a class of diffusers")
    for name, value in index.items():
        if name.startswith("_") or not isinstance(value, list) or len(value) != 2:
            continue
        library = value[0]
        if library is not None and library not in LIBRARIES and not _is_pipeline_module(library):
            raise ConfigurationError(
                f"model_index.json: {name} comes from {library!r}; only diffusers and transformers do"
            )


def _read_index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"{path.name}: is not JSON: {error}") from error
    if not isinstance(index, dict):
        raise ConfigurationError(f"{path.name}: must be an object of classes by their names")
    return index


def _is_pipeline_module(library: object) -> bool:
    """Of diffusers, which names its own sub-packages without the prefix, as "stable_diffusion" of the safety checker."""
    return isinstance(library, str) and library in {
        "stable_diffusion",
        "stable_diffusion_xl",
        "flux",
        "kandinsky",
        "paint_by_example",
    }


def _check_start(name: str, path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(16)
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        raise ConfigurationError(f"{name}: its first bytes are those of a pickle, whatever its name says")
    for magic, words in _ARCHIVES.items():
        if start.startswith(magic):
            raise ConfigurationError(f"{name}: its first bytes are those of {words}, whatever its name says")
    if path.suffix == ".safetensors" and not _is_safetensors(start, path.stat().st_size):
        raise ConfigurationError(f"{name}: does not begin like a safetensors file")
    if path.suffix == ".onnx" and start[:1] != b"\x08":
        raise ConfigurationError(f"{name}: does not begin like an ONNX file")


def _is_safetensors(start: bytes, size: int) -> bool:
    """A header of N bytes of JSON behind N as a little-endian 64-bit number (safetensors format, "Format")."""
    length = int.from_bytes(start[:8], "little")
    return len(start) > 8 and 2 <= length <= min(size - 8, _MAX_HEADER) and start[8:9] == b"{"
