"""Where the model pack lies, and that its licence was accepted before anything of it is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from gpu_agents.models.entry import ModelKind
from gpu_agents.models.licences import insist_on_licence
from gpu_agents.models.registry import load_registry
from schemas.errors import ConfigurationError

VARIABLE = "STORYREEL_FACE_PACK"
LICENCE = "STORYREEL_ACCEPT_FACE_PACK_LICENCE"
FAMILY = "insightface"
_YES = {"1", "true", "yes"}
_USUAL = (
    "insightface publishes its packs for non-commercial research only; a commercial use needs a licence of its own "
    "(https://github.com/deepinsight/insightface#license)"
)
_SHOWN = 600  # characters of a licence


class FacePack(Struct, frozen=True, kw_only=True):
    """A folder of ONNX files; `name` is its folder's or its name in the registry of models."""

    name: str
    folder: Path


def find_pack(environ: Mapping[str, str]) -> FacePack:
    """The pack that STORYREEL_FACE_PACK names, else the registry's model of kind face and family insightface.

    Raises `ConfigurationError` naming what is missing, or with the licence while nobody accepted it. Nothing is downloaded.
    """
    if name := environ.get(VARIABLE, ""):
        pack = FacePack(name=Path(name).expanduser().resolve().name, folder=Path(name).expanduser())
        _check_folder(pack, VARIABLE)
        _insist(pack, environ)
        return pack
    registry = load_registry(environ)
    entry = next((entry for entry in registry.of_kind(ModelKind.FACE) if entry.family == FAMILY), None)
    if entry is None:
        raise ConfigurationError(
            f"{VARIABLE}: names no folder with a model pack of insightface, and the registry of models has none; packs are "
            f"not downloaded"
        )
    pack = FacePack(name=entry.name, folder=registry.folder(entry))
    _check_folder(pack, f"model {entry.name!r}")
    insist_on_licence(entry, registry)
    return pack


def licence_of(folder: Path) -> str:
    """The beginning of the licence that lies in the folder, else what is known of the published packs."""
    for name in ("LICENSE", "LICENCE", "LICENSE.txt", "LICENSE.md"):
        if (folder / name).is_file():
            text = (folder / name).read_text(encoding="utf-8", errors="replace").strip()
            return text if len(text) <= _SHOWN else text[:_SHOWN] + " …"
    return _USUAL


def _check_folder(pack: FacePack, where: str) -> None:
    if not pack.folder.is_dir():
        raise ConfigurationError(f"{where}: {pack.folder} is no folder; packs are not downloaded")
    if not any(pack.folder.glob("*.onnx")):
        raise ConfigurationError(f"{where}: {pack.folder} holds no .onnx file")


def _insist(pack: FacePack, environ: Mapping[str, str]) -> None:
    answer = environ.get(LICENCE, "").strip()
    if answer.lower() not in _YES and answer != pack.name:
        raise ConfigurationError(
            f"{LICENCE}: the licence of the face pack {pack.name!r} was not accepted yet; to accept it set "
            f"{LICENCE}={pack.name} where the agent is started. It says: {licence_of(pack.folder)}"
        )
