"""Engines by `NAME=MODULE:CLASS`, for engines under development and for tests: no installation needed."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping

from gpu_agents.engines import registry
from gpu_agents.engines.base import Engine
from gpu_agents.models.offers import split_name
from schemas.errors import ConfigurationError


def parse_targets(options: Iterable[str]) -> dict[str, str]:
    """Name → "module:Class". Raises `ConfigurationError` for an option of another form."""
    targets: dict[str, str] = {}
    for option in options:
        name, equals, target = option.partition("=")
        module, colon, attribute = target.partition(":")
        if not (name and equals and module and colon and attribute):
            raise ConfigurationError(f"--engine {option!r}: must look like NAME=MODULE:CLASS")
        targets[name] = target
    return targets


def package_of(name: str, targets: Mapping[str, str]) -> dict[str, str]:
    """Name and version of the package that brings an engine; empty for one of `targets` and for one that is not installed."""
    engine, _ = split_name(name)
    entry = None if engine in targets else registry.installed().get(engine)
    if entry is None or not entry.distribution:
        return {}
    return {"name": entry.distribution, "version": entry.release}


def load_engine(name: str, targets: Mapping[str, str]) -> Engine:
    """A fresh engine: from `targets` if it is named there, else from the installed ones. Raises `ConfigurationError`."""
    full, (name, model) = name, split_name(name)
    if name not in targets:
        return registry.load(full)
    module, _, attribute = targets[name].partition(":")
    try:
        engine = getattr(importlib.import_module(module), attribute)()
    except (Exception, SystemExit) as error:  # whatever code from elsewhere does when it is imported
        why = f"{type(error).__name__}: {error}"
        raise ConfigurationError(f"engine {name!r} ({targets[name]}) cannot be imported: {why}") from error
    if not isinstance(engine, Engine):
        raise ConfigurationError(f"engine {name!r} ({targets[name]}) does not have the members of the engine protocol")
    return registry.with_model(engine, model)
