"""Fetching a model from a hub: one commit, safe files only, checked before it takes its place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpu_agents.models.checking import CheckedModel, check_model
from gpu_agents.models.entry import ModelEntry
from gpu_agents.models.formats import wanted
from gpu_agents.models.registry import ModelRegistry
from schemas.errors import ConfigurationError, InfrastructureError

ENDPOINT = "HF_ENDPOINT"
PUBLIC_HUB = "https://huggingface.co"


def pull(entry: ModelEntry, registry: ModelRegistry, environ: Mapping[str, str] = os.environ) -> CheckedModel:
    """Fetch the pinned revision into the registry's root, unless it is there, and check it whole.

    The folder takes its name only when every file is there and is what the registry pins. Raises `ConfigurationError` for
    a model that is no hub's, for unsafe files and wrong hashes, `InfrastructureError` when the hub does not answer.
    """
    if not entry.hub:
        raise ConfigurationError(f"model {entry.name!r}: hub: it has none; its files are expected at {entry.path}")
    place = registry.folder(entry)
    if not place.exists():
        fresh = place.with_name(f"{place.name}.part")
        _fetch(entry, fresh, environ.get(ENDPOINT, PUBLIC_HUB))
        shutil.rmtree(fresh / ".cache", ignore_errors=True)  # the client's notes
        _check_apart(entry, registry, fresh)
        fresh.rename(place)
    return check_model(entry, registry, licence=False)


def _check_apart(entry: ModelEntry, registry: ModelRegistry, fresh: Path) -> None:
    """Check a folder that has not its name yet; what does not pass is not kept."""
    from msgspec.structs import replace

    aside = replace(entry, hub="", revision="", path=fresh.name)
    try:
        check_model(aside, registry, licence=False)
    except ConfigurationError:
        shutil.rmtree(fresh)
        raise


def _fetch(entry: ModelEntry, folder: Path, endpoint: str) -> None:
    hub = _hub()
    try:
        api = hub.HfApi(endpoint=endpoint)
        names = api.list_repo_files(entry.hub, revision=entry.revision)
        chosen = [name for name in names if wanted(name) and _is_of_variant(name, names, entry.defaults.variant)]
        if not chosen:
            raise ConfigurationError(f"model {entry.name!r}: {entry.hub} has no safetensors or ONNX files")
        hub.snapshot_download(
            entry.hub, revision=entry.revision, local_dir=str(folder), allow_patterns=chosen, endpoint=endpoint
        )
    except (OSError, hub.errors.HfHubHTTPError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InfrastructureError(f"model {entry.name!r}: {endpoint} does not give {entry.hub}: {reason}") from error


def _is_of_variant(name: str, names: list[str], variant: str) -> bool:
    """Whether a file is needed: of weights that come in several precisions only the wanted ones are."""
    path = Path(name)
    if path.suffix != ".safetensors" or len(path.parts) < 2:  # single files beside a pipeline repeat its weights
        return path.suffix != ".safetensors" or "model_index.json" not in names
    mine = f".{variant}." in path.name if variant else not any(f".{word}." in path.name for word in ("fp16", "bf16"))
    twin = path.with_name(path.name.replace(".safetensors", f".{variant}.safetensors")).as_posix()
    return mine or (
        bool(variant) and twin not in names and not any(f".{word}." in path.name for word in ("fp16", "bf16"))
    )


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ConfigurationError(
            "huggingface_hub is not installed; install storyreel[gpu] (make install-gpu)"
        ) from error
    return huggingface_hub
