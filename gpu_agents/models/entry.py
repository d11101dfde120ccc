"""One model as the configuration names it. Pure."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.errors import ConfigurationError

NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
GIB = 1024**3

Name = Annotated[str, Meta(pattern=NAME)]
Scale = Annotated[float, Meta(ge=0.0, le=2.0)]


class ModelKind(StrEnum):
    """What a model is for. The first three are run by engines of their own, the others belong to a model or an engine."""

    IMAGE = "image"
    VIDEO = "video"
    UPSCALE = "upscale"
    LORA = "lora"
    IP_ADAPTER = "ip-adapter"
    CONTROLNET = "controlnet"
    MOTION_ADAPTER = "motion-adapter"
    FACE = "face"
    ENCODER = "encoder"


class Attached(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another model of the registry, used at `scale` (0 = not at all, 1 = as trained)."""

    model: Name
    scale: Scale = 1.0


class Defaults(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model is run. A scheduler of "" is the model's own; steps and guidance 0 are those of the request; the pixels
    of the long side that it was trained for, 0 = any size; the longest prompt in tokens, 0 = as the pipeline says.
    """

    scheduler: str = ""
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    variant: str = ""  # of the weight files, as "fp16"
    steps: Annotated[int, Meta(ge=0, le=200)] = 0
    guidance_scale: Annotated[float, Meta(ge=-1.0, le=30.0)] = -1.0  # -1 = of the request
    long_side: Annotated[int, Meta(ge=0, le=4096)] = 0
    max_tokens: Annotated[int, Meta(ge=0, le=4096)] = 0
    fps: Annotated[int, Meta(ge=0, le=60)] = 0  # 0 = of the request
    max_frames: Annotated[int, Meta(ge=0, le=1024)] = 0  # of one run of a video model; 0 = the family's


class ModelEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`path` (below the registry's root) or `hub` and `revision` say where it is; `manifest_sha256` or `files` (path →
    SHA-256) pin what it is. `memory_gb` is what it takes on a device. `attach` names models that are always used with it;
    a LoRA with `styles` or `characters` is used with its `family` whenever a shot names one of them.
    """

    name: Name
    kind: ModelKind
    family: Name
    path: str = ""
    hub: str = ""
    revision: str = ""
    manifest_sha256: str = ""
    files: dict[str, str] = {}
    licence: Annotated[str, Meta(min_length=1, max_length=100)]
    licence_url: str = ""
    memory_gb: Annotated[float, Meta(gt=0, le=1024)]
    default: bool = False
    attach: list[Attached] = []
    styles: list[str] = []
    characters: list[str] = []
    scale: Scale = 1.0
    defaults: Defaults = Defaults()

    @property
    def memory_bytes(self) -> int:
        """`memory_gb` in bytes."""
        return round(self.memory_gb * GIB)

    @property
    def folder_name(self) -> str:
        """Where below the registry's root the files lie."""
        return self.path or f"{self.hub.replace('/', '--')}--{self.revision[:12]}"


def check_entry(entry: ModelEntry) -> None:
    """Rules over several fields. Raises `ConfigurationError` that names the model, the field and the rule."""
    where = f"model {entry.name!r}"
    if bool(entry.path) == bool(entry.hub):
        raise ConfigurationError(f"{where}: path, hub: exactly one of the two is needed")
    if entry.hub and not _HUB_ID.fullmatch(entry.hub):
        raise ConfigurationError(f"{where}: hub: {entry.hub!r} must look like OWNER/NAME")
    if entry.hub and not _COMMIT.fullmatch(entry.revision):
        raise ConfigurationError(f"{where}: revision: must be a commit of 40 hex digits; a branch or tag may change")
    if entry.path and entry.revision:
        raise ConfigurationError(f"{where}: revision: only together with hub")
    if entry.manifest_sha256 and not _SHA256.fullmatch(entry.manifest_sha256):
        raise ConfigurationError(f"{where}: manifest_sha256: must be 64 hex digits in lower case")
    for name, digest in entry.files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ConfigurationError(f"{where}: files: {name!r} must be a path inside the model's folder")
        if not _SHA256.fullmatch(digest):
            raise ConfigurationError(f"{where}: files.{name}: must be 64 hex digits in lower case")
    if entry.kind is not ModelKind.LORA and (entry.styles or entry.characters):
        raise ConfigurationError(f"{where}: styles, characters: only a model of kind 'lora' has them")
