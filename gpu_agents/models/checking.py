"""Whether a model may be used: there, of safe files, accepted, and exactly what the registry pins."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from gpu_agents.models.entry import ModelEntry
from gpu_agents.models.formats import check_formats
from gpu_agents.models.hashing import NOTES, HashNotes, check_digests, manifest, manifest_digest
from gpu_agents.models.licences import insist_on_licence
from gpu_agents.models.registry import ModelRegistry
from schemas.errors import ConfigurationError


class CheckedModel(Struct, frozen=True, kw_only=True):
    """A model whose files are what they should be. `digests`: path in the model → SHA-256."""

    entry: ModelEntry
    place: Path
    digests: dict[str, str]
    manifest: str

    @property
    def weights(self) -> dict[str, str]:
        """Digests of the weight files only, which is what a recipe names."""
        return {name: digest for name, digest in self.digests.items() if name.endswith((".safetensors", ".onnx"))}


def check_present(entry: ModelEntry, registry: ModelRegistry) -> None:
    """The cheap part: files there, safe formats, licence accepted. Raises `ConfigurationError` naming model and rule."""
    place = registry.folder(entry)
    if not place.exists():
        how = f"run: storyreel models pull {entry.name}" if entry.hub else f"expected at {place}"
        raise ConfigurationError(f"model {entry.name!r}: its files are not here; {how}")
    try:
        check_formats(place)
    except (ConfigurationError, OSError) as error:
        raise ConfigurationError(f"model {entry.name!r}: {error}") from error
    insist_on_licence(entry, registry)


def check_model(
    entry: ModelEntry, registry: ModelRegistry, *, licence: bool = True, anew: bool = False
) -> CheckedModel:
    """Everything, hashes too; those of unchanged files are taken from the notes beside the models unless `anew`.

    Raises `ConfigurationError` naming model, file and rule.
    """
    place = registry.folder(entry)
    if not place.exists():
        check_present(entry, registry)
    notes = HashNotes(Path(registry.home) / registry.root / NOTES, anew=anew)
    try:
        files = check_formats(place)
        digests = manifest(files, notes)
        check_digests(digests, entry.files, entry.manifest_sha256)
    except (ConfigurationError, OSError) as error:  # OSError: a link to nothing, a file of somebody else
        raise ConfigurationError(f"model {entry.name!r}: {error}") from error
    finally:
        notes.save()
    if licence:
        insist_on_licence(entry, registry)
    return CheckedModel(entry=entry, place=place, digests=digests, manifest=manifest_digest(digests))
