"""Where tiny models are kept: built once, then found again by every test process of every run."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gpu_agents.models.licences import accept
from gpu_agents.models.registry import ModelRegistry, parse_registry
from tests.tiny_models import identity, images, videos
from tests.tiny_models.faces import clip_folder, face_pack

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "tiny-models"
BUILDERS: dict[str, Callable[[Path], Path]] = {
    name.removeprefix("build_"): builder
    for module in (images, videos)
    for name, builder in vars(module).items()
    if name.startswith("build_")
} | {
    "face_pack": face_pack,
    "clip": clip_folder,
    "identity_net": lambda folder: identity.build_identity_net(folder, tiny("sd15")),
    "identity_adapter": lambda folder: identity.build_identity_adapter(folder, tiny("sd15")),
}
SOURCES = [HERE / f"{name}.py" for name in ("images", "videos", "parts", "tokenizers", "faces", "identity")]
SOURCES.append(HERE.parent / "unit" / "engines" / "helpers.py")  # draws the faces


def tiny(name: str) -> Path:
    """The folder of a tiny model; built now if neither this nor an earlier run has built it."""
    place = CACHE / _key() / name
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place.parent))
        BUILDERS[name](fresh)
        try:
            fresh.rename(place)
        except OSError:  # another test process was faster
            shutil.rmtree(fresh)
    return place


def write_registry(folder: Path, entries: Iterable[Mapping[str, Any]], extra: str = "") -> Path:
    """A registry of tiny models in `folder`, accepted unless an entry says `accepted` is False.

    An entry names its builder as `tiny`; the rest are its fields.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [extra]
    unread = set()
    for entry in entries:
        fields: dict[str, Any] = {"licence": "made by the tests", "memory_gb": 0.05} | dict(entry)
        name = str(fields.pop("tiny"))
        if not fields.pop("accepted", True):
            unread.add(fields["name"])
        target = folder / name
        if not target.exists():
            target.symlink_to(tiny(name), target_is_directory=True)
        defaults: Mapping[str, Any] = fields.pop("defaults", {})
        lines.append("[[models]]")
        lines += [f"{key} = {_toml(value)}" for key, value in (fields | {"path": name}).items()]
        lines.append("[models.defaults]")
        lines += [f"{key} = {_toml(value)}" for key, value in defaults.items()]
    path = folder / "models.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    accept_all(parse_registry(path.read_text(encoding="utf-8"), folder, path.name), unread)
    return path


def accept_all(registry: ModelRegistry, but: Container[str] = ()) -> None:
    """Accept every licence of a registry, but those of the named models."""
    for entry in registry.models:
        if entry.name not in but:
            accept(entry, registry, "tests", datetime(2026, 11, 24, tzinfo=UTC))


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return "[" + ", ".join(_toml(item) for item in value) + "]"
        case dict():
            return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
        case str():
            return '"' + value + '"'
        case _:
            return str(value)


def _key() -> str:
    """Changes with the libraries and with the builders."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    parts = [version(name) for name in ("torch", "diffusers", "transformers")]
    parts += [path.read_text(encoding="utf-8") for path in SOURCES]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
