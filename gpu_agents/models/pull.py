"""Fetching a model from a hub: one commit, safe files only, checked before it takes its place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from gpu_agents.models.checking import CheckedModel, check_model
from gpu_agents.models.entry import ModelEntry
from gpu_agents.models.hub import Hub
from gpu_agents.models.registry import ModelRegistry
from gpu_agents.models.selection import needed
from infra.local.locks import try_exclusive
from schemas.errors import ConfigurationError, InfrastructureError

ENDPOINT = "HF_ENDPOINT"
PUBLIC_HUB = "https://huggingface.co"


def pull(entry: ModelEntry, registry: ModelRegistry, environ: Mapping[str, str] = os.environ) -> CheckedModel:
    """Fetch the pinned revision into the registry's root, unless it is there, and check it whole.

    The folder takes its name only when every file is there and is what the registry pins; what a broken download left
    waits beside it for the next one. Raises `ConfigurationError` for a model that is no hub's, for unsafe files, wrong
    hashes and while another process fetches it, `InfrastructureError` when the hub does not give it.
    """
    if not entry.hub:
        raise ConfigurationError(f"model {entry.name!r}: hub: it has none; its files are expected at {entry.path}")
    place = registry.folder(entry)
    with _alone(entry, place):
        if not place.exists():
            _fetch_and_check(entry, registry, place, environ.get(ENDPOINT) or PUBLIC_HUB)
    return check_model(entry, registry, licence=False)


def _fetch_and_check(entry: ModelEntry, registry: ModelRegistry, place: Path, endpoint: str) -> None:
    fresh = place.with_name(f"{place.name}.part")
    hub = Hub(endpoint)
    try:
        chosen = needed(hub.files(entry.hub, entry.revision), entry.defaults.variant)
        hub.fetch(entry.hub, entry.revision, chosen, fresh)
    except ConfigurationError as error:
        raise ConfigurationError(f"model {entry.name!r}: {entry.hub}: {error}") from error
    except InfrastructureError as error:
        raise InfrastructureError(f"model {entry.name!r}: {error}") from error
    shutil.rmtree(fresh / ".cache", ignore_errors=True)  # the client's notes
    _check_apart(entry, registry, fresh)
    fresh.rename(place)


def _check_apart(entry: ModelEntry, registry: ModelRegistry, fresh: Path) -> None:
    """Check a folder that has not its name yet; what does not pass is not kept."""
    aside = replace(entry, hub="", revision="", path=fresh.name)
    try:
        check_model(aside, registry, licence=False)
    except ConfigurationError:
        shutil.rmtree(fresh)
        raise


@contextmanager
def _alone(entry: ModelEntry, place: Path) -> Iterator[None]:
    path = place.with_name(f".storyreel-{place.name}.lock")
    lock = try_exclusive(path)
    if lock is None:
        raise ConfigurationError(f"model {entry.name!r}: process {path.read_text().strip()} is fetching it already")
    with lock:
        yield
