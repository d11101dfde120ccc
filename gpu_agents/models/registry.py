"""The registry of models: one TOML file that `STORYREEL_MODELS` names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from gpu_agents.models.entry import GIB, ModelEntry, ModelKind, check_entry
from schemas.errors import ConfigurationError

VARIABLE = "STORYREEL_MODELS"


class CacheRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a device models may take: GB, or 0 for four fifths of the device's memory."""

    max_size_gb: Annotated[float, Meta(ge=0, le=1024)] = 0.0

    def limit(self, device_bytes: int) -> int:
        """Bytes that models may take on a device of so many bytes."""
        return round(self.max_size_gb * GIB) if self.max_size_gb else device_bytes * 4 // 5


class ModelRegistry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All models by their order in the file. `root` is the folder of their files, relative to the file's own folder."""

    root: str = "."
    cache: CacheRules = CacheRules()
    models: list[ModelEntry] = []
    home: str = "."

    def folder(self, entry: ModelEntry) -> Path:
        """The folder, or the single file, of a model."""
        return Path(self.home) / self.root / entry.folder_name

    def of_kind(self, kind: ModelKind) -> list[ModelEntry]:
        """Models of a kind in their order."""
        return [entry for entry in self.models if entry.kind is kind]

    def get(self, name: str) -> ModelEntry:
        """The model of a name. Raises `ConfigurationError` when there is none."""
        for entry in self.models:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.models) or "none"
        raise ConfigurationError(f"model {name!r} is not in the registry; there are: {known}")

    def default(self, kind: ModelKind) -> ModelEntry:
        """The model of a kind that is used when none is named: the one marked as default, else the first.

        Raises `ConfigurationError` when there is no model of the kind.
        """
        candidates = self.of_kind(kind)
        if not candidates:
            raise ConfigurationError(
                f"no model of kind {kind.value!r} is configured; name one in the file of {VARIABLE}"
            )
        return next((entry for entry in candidates if entry.default), candidates[0])


def parse_registry(text: str, home: Path, source: str) -> ModelRegistry:
    """Read and check the text of a registry. Raises `ConfigurationError` naming file, field and rule."""
    try:
        registry = msgspec.toml.decode(text, type=ModelRegistry)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{source}: {_plain(str(error))}") from error
    try:
        for entry in registry.models:
            check_entry(entry)
        _check_together(registry)
    except ConfigurationError as error:
        raise ConfigurationError(f"{source}: {error}") from error
    return msgspec.structs.replace(registry, home=str(home))


def load_registry(environ: Mapping[str, str]) -> ModelRegistry:
    """The registry that the environment names; an empty one without the variable. Raises `ConfigurationError`."""
    name = environ.get(VARIABLE, "")
    if not name:
        return ModelRegistry()
    path = Path(name).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{VARIABLE}: {name} cannot be read: {error}") from error
    return parse_registry(text, path.resolve().parent, path.name)


def _check_together(registry: ModelRegistry) -> None:
    repeated = [name for name, count in Counter(entry.name for entry in registry.models).items() if count > 1]
    if repeated:
        raise ConfigurationError(f"models: the name {repeated[0]!r} is given twice")
    for kind in ModelKind:
        if sum(entry.default for entry in registry.of_kind(kind)) > 1:
            raise ConfigurationError(f"models: two models of kind {kind.value!r} are marked as default")
    for entry in registry.models:
        for attached in entry.attach:
            _check_attached(entry, registry.get(attached.model))


def _check_attached(entry: ModelEntry, other: ModelEntry) -> None:
    if other.kind not in (ModelKind.LORA, ModelKind.IP_ADAPTER, ModelKind.CONTROLNET, ModelKind.MOTION_ADAPTER):
        raise ConfigurationError(
            f"model {entry.name!r}: attach: {other.name!r} of kind {other.kind.value} stands alone"
        )
    if other.family != entry.family:
        message = f"attach: {other.name!r} is of family {other.family!r}, not {entry.family!r}"
        raise ConfigurationError(f"model {entry.name!r}: {message}")


def _plain(message: str) -> str:
    """The words of msgspec with the field first: "models[0].memory_gb: Expected `float` > 0.0"."""
    text, _, place = message.rpartition(" - at `$")
    return f"{place.rstrip('`').removeprefix('.')}: {text}" if text else message
