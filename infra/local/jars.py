"""A verified cache of the pinned Java programs.

A bundle is complete when its manifest, written last, lists every file with size and SHA-256 and the files agree with it.
Anything else (a download killed half-way, a truncated or deleted file, a damaged manifest) is repaired, never trusted.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from msgspec import Struct

from infra.local.bundles import Bundle
from infra.local.checksum import FileSum, measure
from infra.local.download import Progress, download
from infra.local.locks import exclusive
from schemas.errors import InfrastructureError

MANIFEST = "manifest.json"


class Manifest(Struct, frozen=True):
    """What a complete copy holds: `pins` are the published artifacts it came from, `files` the paths in the folder."""

    pins: dict[str, FileSum]
    files: dict[str, FileSum]


def bundle_folder(bundle: Bundle, cache: Path) -> Path:
    """Folder of the bundle's files in the cache."""
    return cache / "jars" / f"{bundle.name}-{bundle.version}"


def ensure(
    bundle: Bundle, cache: Path, progress: Progress | None = None, waiting: Callable[[], None] | None = None
) -> Path:
    """Folder with a complete, verified copy of the bundle; what is missing or broken is downloaded.

    Safe to call from several processes at once: one fetches, the others wait (`waiting` is called then).
    Raises `InfrastructureError` if the network is needed and fails, or if a file is not the pinned one.
    """
    folder = bundle_folder(bundle, cache)
    with exclusive(folder.with_name(folder.name + ".lock"), waiting):
        if not _complete(folder, bundle):
            _repair(folder, bundle, progress)
    return folder


def class_path(folder: Path) -> str:
    """The jars named by the manifest, for `java -cp`."""
    manifest = _read_manifest(folder)
    if manifest is None:
        raise InfrastructureError(f"{folder} holds no complete program")
    return ":".join(str(folder / name) for name in sorted(manifest.files) if name.endswith(".jar"))


def _complete(folder: Path, bundle: Bundle) -> bool:
    manifest = _read_manifest(folder)
    return manifest is not None and manifest.pins == _pins(bundle) and not _broken(folder, manifest.files)


def _repair(folder: Path, bundle: Bundle, progress: Progress | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    staging = folder / ".incoming"
    shutil.rmtree(staging, ignore_errors=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    try:
        files = _unpack_archive if bundle.unpack else _fetch_jars
        manifest = Manifest(pins=_pins(bundle), files=files(folder, bundle, staging, progress))
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    incoming = folder / (MANIFEST + ".new")
    incoming.write_bytes(msgspec.json.encode(manifest))
    incoming.replace(folder / MANIFEST)


def _fetch_jars(folder: Path, bundle: Bundle, staging: Path, progress: Progress | None) -> dict[str, FileSum]:
    pins = _pins(bundle)
    broken = _broken(folder, pins)
    wanted = [artifact for artifact in bundle.artifacts if artifact.filename in broken]
    download(bundle, wanted, staging, lambda artifact, path: path.replace(folder / artifact.filename), progress)
    return pins


def _unpack_archive(folder: Path, bundle: Bundle, staging: Path, progress: Progress | None) -> dict[str, FileSum]:
    archives: list[Path] = []
    download(bundle, list(bundle.artifacts), staging, lambda _, path: archives.append(path), progress)
    for archive in archives:
        with tarfile.open(archive) as packed:
            if hasattr(tarfile, "data_filter"):
                packed.extractall(folder, filter="data")
            else:  # Python before 3.11.4; the archive is the pinned one, its sha256 was checked
                packed.extractall(folder)  # noqa: S202
    shutil.rmtree(staging, ignore_errors=True)
    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    return dict(zip(names, _measure_all([folder / name for name in names]), strict=True))


def _pins(bundle: Bundle) -> dict[str, FileSum]:
    return {artifact.filename: FileSum(artifact.size, artifact.sha256) for artifact in bundle.artifacts}


def _read_manifest(folder: Path) -> Manifest | None:
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def _broken(folder: Path, files: dict[str, FileSum]) -> set[str]:
    present = {name for name, known in files.items() if _size(folder / name) == known.size}
    sums = dict(zip(present, _measure_all([folder / name for name in present]), strict=True))
    return {name for name, known in files.items() if sums.get(name) != known}


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _measure_all(paths: list[Path]) -> list[FileSum]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(measure, paths))
