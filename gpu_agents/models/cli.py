"""`storyreel models`: the registry that STORYREEL_MODELS names, and the files of its models."""

from __future__ import annotations

import getpass
import os
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from gpu_agents.models.checking import check_model
from gpu_agents.models.entry import ModelEntry
from gpu_agents.models.licences import accept as note_acceptance
from gpu_agents.models.licences import acceptances, is_accepted
from gpu_agents.models.pull import pull as fetch
from gpu_agents.models.registry import VARIABLE, ModelRegistry, load_registry
from schemas.errors import ConfigurationError

app = App(name="models", help="Models of the registry that STORYREEL_MODELS names: list, fetch, check, accept.")
JsonOption = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]
AcceptOption = Annotated[
    bool, Parameter(name="--accept-licence", negative="", help="The licence was read and is accepted.")
]


@app.command(name="list")
def list_models(*, as_json: JsonOption = False) -> None:
    """Every model of the registry: its kind, family, licence, memory, and whether it can be used here."""
    registry = _registry()
    rows = [_row(entry, registry) for entry in registry.models]
    if as_json:
        sys.stdout.write(msgspec.json.encode(rows).decode() + "\n")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "kind", "family", "GB", "licence", "state"):
        table.add_column(heading)
    for row in rows:
        state = row["problem"] or "ready"
        table.add_row(row["name"], row["kind"], row["family"], f"{row['memory_gb']:g}", row["licence"], state)
    Console().print(table)


@app.command
def verify(*names: str) -> None:
    """Read every file of the models (all without names) and compare with the registry; prints what to pin them by.

    Ends with an error if a model is not what it should be.
    """
    registry = _registry()
    problems = 0
    for entry in [registry.get(name) for name in names] or registry.models:
        try:
            checked = check_model(entry, registry, licence=False, anew=True)
        except ConfigurationError as error:
            problems += 1
            sys.stdout.write(f"{entry.name}: {error}\n")
            continue
        pinned = "as pinned" if entry.manifest_sha256 or entry.files else "not pinned"
        sys.stdout.write(
            f'{entry.name}: {len(checked.digests)} files, {pinned}; manifest_sha256 = "{checked.manifest}"\n'
        )
    if problems:
        raise ConfigurationError(f"{problems} of the models cannot be used as they are")


@app.command
def pull(name: str, *, accept_licence: AcceptOption = False) -> None:
    """Fetch a model from its hub at the pinned revision, and show its licence."""
    registry = _registry()
    entry = registry.get(name)
    _show_licence(entry)
    checked = fetch(entry, registry)
    sys.stdout.write(f'{name}: {len(checked.digests)} files; manifest_sha256 = "{checked.manifest}"\n')
    if accept_licence:
        _accept(entry, registry)
    elif not is_accepted(entry, acceptances(registry)):
        sys.stdout.write(f"not accepted yet: storyreel models accept {name}\n")


@app.command
def accept(name: str) -> None:
    """Accept the licence of a model, which is needed once before it is used."""
    registry = _registry()
    entry = registry.get(name)
    _show_licence(entry)
    _accept(entry, registry)


def _accept(entry: ModelEntry, registry: ModelRegistry) -> None:
    note_acceptance(entry, registry, getpass.getuser(), datetime.now(UTC))
    sys.stdout.write(f"accepted for {entry.name}\n")


def _show_licence(entry: ModelEntry) -> None:
    sys.stdout.write(f"licence of {entry.name}: {entry.licence}  {entry.licence_url}\n")


def _registry() -> ModelRegistry:
    if not os.environ.get(VARIABLE):
        raise ConfigurationError(f"{VARIABLE} is not set: it names the registry of models")
    return load_registry(os.environ)


def _row(entry: ModelEntry, registry: ModelRegistry) -> dict[str, Any]:
    problem = ""
    try:
        check_model(entry, registry)
    except ConfigurationError as error:
        problem = str(error).removeprefix(f"model {entry.name!r}: ")
    facts = {"name": entry.name, "kind": entry.kind.value, "family": entry.family, "memory_gb": entry.memory_gb}
    source = f"{entry.hub}@{entry.revision}" if entry.hub else entry.path
    return facts | {"licence": entry.licence, "source": source, "problem": problem}
