"""Which licences of models were accepted, and by whom: a small file beside the models."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from gpu_agents.models.entry import ModelEntry
from gpu_agents.models.registry import ModelRegistry
from schemas.errors import ConfigurationError

ACCEPTED = ".storyreel-licences.json"


class Acceptance(Struct, frozen=True, kw_only=True):
    """Somebody accepted a licence for a model; a licence of another name has to be accepted anew."""

    licence: str
    by: str
    at: datetime


def acceptances(registry: ModelRegistry) -> dict[str, Acceptance]:
    """What was accepted, by the names of the models. Raises `ConfigurationError` for a damaged file."""
    path = _place(registry)
    if not path.is_file():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Acceptance])
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{path.name}: {error}; delete it and accept the licences again") from error


def is_accepted(entry: ModelEntry, known: dict[str, Acceptance]) -> bool:
    """Whether this licence of this model was accepted."""
    return entry.name in known and known[entry.name].licence == entry.licence


def insist_on_licence(entry: ModelEntry, registry: ModelRegistry) -> None:
    """Raises `ConfigurationError` with the licence and how to accept it, unless that was done."""
    if not is_accepted(entry, acceptances(registry)):
        where = f" ({entry.licence_url})" if entry.licence_url else ""
        raise ConfigurationError(
            f"model {entry.name!r}: its licence {entry.licence!r}{where} was not accepted yet; read it, then run:"
            f" storyreel models accept {entry.name}"
        )


def accept(entry: ModelEntry, registry: ModelRegistry, by: str, at: datetime) -> None:
    """Note that the licence was accepted."""
    path = _place(registry)
    path.parent.mkdir(parents=True, exist_ok=True)
    known = acceptances(registry) | {entry.name: Acceptance(licence=entry.licence, by=by, at=at)}
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(known)))
    fresh.replace(path)


def _place(registry: ModelRegistry) -> Path:
    return Path(registry.home) / registry.root / ACCEPTED
