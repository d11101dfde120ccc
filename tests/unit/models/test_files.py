"""Files of models: pickles are refused before they are opened, hashes are checked once a file, licences are asked for."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.models.checking import check_model, check_present
from gpu_agents.models.entry import ModelEntry, ModelKind
from gpu_agents.models.formats import check_formats, check_index, check_name, wanted
from gpu_agents.models.hashing import HashNotes, manifest_digest
from gpu_agents.models.licences import accept
from gpu_agents.models.pull import pull
from gpu_agents.models.registry import ModelRegistry
from infra.local.locks import exclusive
from schemas.errors import ConfigurationError

WHEN = datetime(2026, 11, 24, tzinfo=UTC)


class Trap:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.path, "w"))


def safetensors(text: bytes = b"{}") -> bytes:
    return len(text).to_bytes(8, "little") + text


def model(folder: Path) -> Path:
    place = folder / "tiny"
    (place / "unet").mkdir(parents=True)
    (place / "model_index.json").write_text(json.dumps({"_class_name": "X", "unet": ["diffusers", "U"]}))
    (place / "unet" / "model.safetensors").write_bytes(safetensors())
    return place


def entry(**fields: Any) -> ModelEntry:
    values = {
        "name": "tiny",
        "kind": ModelKind.IMAGE,
        "family": "sd15",
        "path": "tiny",
        "licence": "CC0",
        "memory_gb": 1,
    }
    return ModelEntry(**{**values, **fields})


def test_a_model_of_safe_files_passes(tmp_path: Path) -> None:
    assert list(check_formats(model(tmp_path))) == ["model_index.json", "unet/model.safetensors"]


@pytest.mark.parametrize("suffix", [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".npy", ".PT"])
def test_a_pickle_by_name_is_refused(suffix: str, tmp_path: Path) -> None:
    place = model(tmp_path)
    (place / f"weights{suffix}").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=f"weights{suffix}: .*can run code"):
        check_formats(place)


@pytest.mark.parametrize("name", ["a.safetensors", "b.onnx", "c.json", "d.txt", "LICENSE"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_renamed_pickle_is_refused_and_never_run(name: str, protocol: int, tmp_path: Path) -> None:
    place, sprung = model(tmp_path), tmp_path / "sprung"
    (place / name).write_bytes(pickle.dumps(Trap(sprung), protocol=protocol))
    with pytest.raises(ConfigurationError, match=f"{name}: its first bytes are those of a pickle"):
        check_formats(place)
    assert not sprung.exists()


def test_a_renamed_torch_archive_is_refused(tmp_path: Path) -> None:
    place = model(tmp_path)
    with zipfile.ZipFile(place / "unet" / "more.safetensors", "w") as archive:
        archive.writestr("data.pkl", b"")
    with pytest.raises(ConfigurationError, match="zip archive"):
        check_formats(place)


@given(start=st.binary(max_size=64))
def test_only_what_begins_like_safetensors_passes_as_such(
    start: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(start)
    length = int.from_bytes(start[:8], "little")
    fits = len(start) > 8 and start[8:9] == b"{" and 2 <= length <= len(start) - 8
    if fits:
        check_formats(path)
    else:
        with pytest.raises(ConfigurationError, match=r"any\.safetensors"):
            check_formats(path)


def test_code_and_classes_from_elsewhere_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"pipeline\.py: code .* never run"):
        check_name("pipeline.py")
    with pytest.raises(ConfigurationError, match="unet comes from 'os'"):
        check_index({"_class_name": "X", "unet": ["os", "system"]})
    with pytest.raises(ConfigurationError, match="_class_name"):
        check_index({"_class_name": ["my_pipeline", "X"]})
    check_index({"_class_name": "X", "safety_checker": ["stable_diffusion", "C"], "image_encoder": [None, None]})


def test_what_is_worth_fetching() -> None:
    names = ["unet/model.safetensors", "unet/model.bin", "README.md", "cover.png", "run.py", "a/spiece.model"]
    assert [name for name in names if wanted(name)] == ["unet/model.safetensors", "README.md", "a/spiece.model"]


def test_the_manifest_is_what_sha256sum_writes(tmp_path: Path) -> None:
    place = model(tmp_path)
    registry = ModelRegistry(home=str(tmp_path))
    checked = check_model(entry(), registry, licence=False)
    listed = "".join(f"{digest}  {name}\n" for name, digest in sorted(checked.digests.items()))
    (tmp_path / "list").write_text(listed)
    assert checked.manifest == HashNotes(tmp_path / "notes").digest(tmp_path / "list")
    assert manifest_digest(checked.digests) == checked.manifest
    pinned = entry(manifest_sha256=checked.manifest)
    check_model(pinned, registry, licence=False)
    (place / "unet" / "model.safetensors").write_bytes(safetensors(b'{"a":1}'))
    with pytest.raises(ConfigurationError, match="the registry says"):
        check_model(pinned, registry, licence=False)


def test_a_damaged_model_says_what_is_damaged(tmp_path: Path) -> None:
    place, registry = model(tmp_path), ModelRegistry(home=str(tmp_path))
    for text, words in (("{", "model_index.json: is not JSON"), ("[]", "model_index.json: must be an object")):
        (place / "model_index.json").write_text(text)
        with pytest.raises(ConfigurationError, match=f"'tiny': {words}"):
            check_present(entry(), registry)
    (place / "model_index.json").unlink()
    (place / "vae.json").symlink_to(place / "gone.json")
    with pytest.raises(ConfigurationError, match=r"'tiny': .*No such file.*vae\.json"):
        check_model(entry(), registry)


def test_single_files_are_pinned_too(tmp_path: Path) -> None:
    model(tmp_path)
    registry = ModelRegistry(home=str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"unet/model\.safetensors: its SHA-256 is"):
        check_model(entry(files={"unet/model.safetensors": "0" * 64}), registry, licence=False)
    with pytest.raises(ConfigurationError, match=r"gone\.json: the registry names it"):
        check_model(entry(files={"gone.json": "0" * 64}), registry, licence=False)


def test_a_file_is_hashed_once_until_it_changes(tmp_path: Path) -> None:
    path, kept = tmp_path / "w.safetensors", tmp_path / "notes"
    path.write_bytes(safetensors())
    first = HashNotes(kept)
    digest = first.digest(path)
    first.save()
    path.rename(tmp_path / "renamed.safetensors")
    path = tmp_path / "renamed.safetensors"
    again = HashNotes(kept)
    assert (again.digest(path), again.computed) == (digest, 0)
    path.write_bytes(safetensors(b'{"b":2}'))
    os.utime(path, ns=(1, 1))
    assert (again.digest(path) != digest, again.computed) == (True, 1)


def test_torn_notes_cost_time_only(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text('{"half')
    (tmp_path / "x.json").write_text("{}")
    assert len(HashNotes(tmp_path / "notes").digest(tmp_path / "x.json")) == 64


def test_a_licence_is_accepted_once_and_again_when_it_changes(tmp_path: Path) -> None:
    model(tmp_path)
    registry = ModelRegistry(home=str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"licence 'CC0' was not accepted yet.* storyreel models accept tiny"):
        check_present(entry(), registry)
    accept(entry(), registry, "anna", WHEN)
    check_present(entry(), registry)
    changed = msgspec.structs.replace(entry(), licence="CC-BY-NC")
    with pytest.raises(ConfigurationError, match="CC-BY-NC"):
        check_present(changed, registry)


def test_a_model_that_is_not_here_says_how_to_get_it(tmp_path: Path) -> None:
    registry = ModelRegistry(home=str(tmp_path))
    hub = entry(path="", hub="a/b", revision="c" * 40)
    with pytest.raises(ConfigurationError, match="storyreel models pull tiny"):
        check_present(hub, registry)
    with pytest.raises(ConfigurationError, match="not here; expected"):
        check_present(entry(), registry)


def test_one_process_at_a_time_fetches_a_model(tmp_path: Path) -> None:
    registry = ModelRegistry(home=str(tmp_path))
    hub = entry(path="", hub="a/b", revision="c" * 40)
    place = registry.folder(hub)
    lock = place.with_name(f".storyreel-{place.name}.lock")
    with exclusive(lock), pytest.raises(ConfigurationError, match=r"'tiny': process .* is fetching it already"):
        pull(hub, registry, {})
    model(tmp_path).rename(place)
    assert pull(hub, registry, {}).place == place
