"""Names of engines that run models: `diffusers/NAME` runs that model, `diffusers` alone the default one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gpu_agents.models.entry import ModelEntry, ModelKind
from gpu_agents.models.registry import ModelRegistry
from schemas.errors import ConfigurationError

SEPARATOR = "/"
RUN_BY: Mapping[str, ModelKind] = {
    "diffusers": ModelKind.IMAGE,
    "instantid": ModelKind.IMAGE,
    "diffusers-video": ModelKind.VIDEO,
    "upscale": ModelKind.UPSCALE,
}


def split_name(name: str) -> tuple[str, str]:
    """The engine and the model of an engine's full name; no model = the default one."""
    engine, _, model = name.partition(SEPARATOR)
    return engine, model


def with_models(engines: Iterable[str], registry: ModelRegistry) -> list[str]:
    """The engines, each followed by its names with every model of the registry that it runs."""
    names = []
    for engine in engines:
        kind = RUN_BY.get(engine)
        names.append(engine)
        if kind is not None:
            names += [f"{engine}{SEPARATOR}{entry.name}" for entry in registry.of_kind(kind)]
    return names


def model_of(registry: ModelRegistry, name: str, kind: ModelKind) -> ModelEntry:
    """The model `name`, or the default one of the kind without a name. Raises `ConfigurationError` when there is none."""
    entry = registry.get(name) if name else registry.default(kind)
    if entry.kind is not kind:
        raise ConfigurationError(f"model {name!r} is of kind {entry.kind.value}, not {kind.value}")
    return entry
