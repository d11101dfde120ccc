"""Finds engines by the entry point group `storyreel.engines`, so that a plugin is a package that is installed, no more."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from msgspec import Struct

from gpu_agents.engines.base import Engine
from gpu_agents.models.offers import split_name
from schemas.errors import ConfigurationError

GROUP = "storyreel.engines"


class EngineEntry(Struct, frozen=True, kw_only=True):
    """An installed engine that was not imported yet: its name, `module:Class`, the distribution that brings it, and which
    release of it.
    """

    name: str
    target: str
    distribution: str
    release: str
    point: EntryPoint


def collect(points: Iterable[EntryPoint]) -> dict[str, EngineEntry]:
    """Entries by name, in the order of the names. Raises `ConfigurationError` when two entries claim one name."""
    found: dict[str, EngineEntry] = {}
    for point in points:
        distribution, release = (point.dist.name, point.dist.version) if point.dist is not None else ("", "")
        entry = EngineEntry(
            name=point.name, target=point.value, distribution=distribution, release=release, point=point
        )
        if point.name in found:
            other = found[point.name]
            raise ConfigurationError(
                f"entry points {GROUP}: the name {point.name!r} is claimed twice, by {other.target} ({other.distribution})"
                f" and by {entry.target} ({distribution}); uninstall one of them"
            )
        found[point.name] = entry
    return dict(sorted(found.items()))


def installed() -> dict[str, EngineEntry]:
    """Every engine of this environment; imports none of them. Raises `ConfigurationError` on a name claimed twice."""
    return collect(entry_points(group=GROUP))


def load(name: str) -> Engine:
    """A fresh instance of the engine `name`, or ENGINE/MODEL; `setup` was not called yet.

    Raises `ConfigurationError` when no such engine is installed, when its import fails or when it breaks the protocol.
    """
    name, model = split_name(name)
    entries = installed()
    if name not in entries:
        raise ConfigurationError(f"engine {name!r} is not installed; installed are: {', '.join(entries) or 'none'}")
    entry = entries[name]
    try:
        engine = entry.point.load()()
    except (Exception, SystemExit) as error:  # whatever code from elsewhere does when it is imported
        why = f"{type(error).__name__}: {error}"
        raise ConfigurationError(f"engine {name!r} ({entry.target}) cannot be imported: {why}") from error
    if not isinstance(engine, Engine):
        raise ConfigurationError(f"engine {name!r} ({entry.target}) does not have the members of the engine protocol")
    if engine.name != name:
        raise ConfigurationError(
            f"engine {name!r} ({entry.target}) calls itself {engine.name!r}; both names must agree"
        )
    return with_model(engine, model)


def with_model(engine: Engine, model: str) -> Engine:
    """The engine, told to run `model` of the registry. Raises `ConfigurationError` when it runs no models."""
    if model:
        choose = getattr(engine, "use_model", None)
        if choose is None:
            raise ConfigurationError(f"engine {engine.name!r} runs no models, so {engine.name}/{model} is nothing")
        choose(model)
    return engine
