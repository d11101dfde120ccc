"""Models whose files lack a tensor are refused; those of the other tests, which lack none, are not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from gpu_agents.engines.base import RenderOutput
from gpu_agents.engines.diffusion import DiffusersEngine, DiffusersVideoEngine
from gpu_agents.models import shelf
from gpu_agents.models.registry import VARIABLE
from schemas.errors import ConfigurationError
from schemas.specs import CharacterRef, ClipSpec
from tests.tiny_models.store import tiny, write_registry
from tests.unit.engines.helpers import context, shot

UNET, TEXT = "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"
LACKING = [  # model, what it is a copy of, file
    ("no-unet", "sd15", UNET),
    ("no-text", "sd15", TEXT),
    ("no-vae", "flux", "vae/diffusion_pytorch_model.safetensors"),
    ("no-t5", "flux", "text_encoder_2/model.safetensors"),
    ("no-sight", "sd15_ip_adapter", "image_encoder/model.safetensors"),
    ("no-motion", "motion_adapter", "diffusion_pytorch_model.safetensors"),
]


@pytest.fixture(scope="module")
def removed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Model → the tensor it lacks."""
    folder = tmp_path_factory.mktemp("models")
    return {name: remove_tensor(tiny(whole), folder / name, file) for name, whole, file in LACKING} | {"": str(folder)}


@pytest.fixture(scope="module", autouse=True)
def models(removed: dict[str, str]) -> Iterator[None]:
    small: dict[str, Any] = {"defaults": {"long_side": 64, "steps": 2}}
    entries: list[dict[str, Any]] = [
        {"tiny": name, "name": name, "kind": "image", "family": "sd15"} | small
        for name in ("no-unet", "no-text", "no-vae", "no-t5")
    ]
    entries += [
        {"tiny": "no-sight", "name": "no-sight", "kind": "ip-adapter", "family": "sd15"},
        {"tiny": "no-motion", "name": "no-motion", "kind": "motion-adapter", "family": "sd15"},
        {"tiny": "sd15", "name": "seen", "kind": "image", "family": "sd15", "attach": [{"model": "no-sight"}]} | small,
        {"tiny": "sd15", "name": "moved", "kind": "video", "family": "sd15", "attach": [{"model": "no-motion"}]}
        | small,
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(write_registry(Path(removed[""]), entries)))
        shelf.registry.cache_clear()
        shelf.model_cache.cache_clear()
        yield
    shelf.registry.cache_clear()
    shelf.model_cache.cache_clear()


def remove_tensor(whole: Path, place: Path, file: str) -> str:
    """Copy a model without one tensor, whose name is returned."""
    shutil.copytree(whole, place)
    tensors = load_file(place / file)
    name: str = next(name for name in sorted(tensors) if name.endswith(".weight"))
    del tensors[name]
    save_file(tensors, place / file, metadata={"format": "pt"})
    return name


def draw(folder: Path, model: str) -> RenderOutput:
    engine = DiffusersEngine()
    engine.use_model(model)
    engine.setup()
    portrait = folder / "portrait.png"
    Image.new("RGB", (64, 64), "red").save(portrait)
    cast = [CharacterRef(character_id="c", name="Mara", portrait_key="portrait")]
    return engine.render(shot(steps=2, characters=cast), context(folder / "work", {"portrait": portrait}))


@pytest.mark.parametrize(
    ("model", "lacking", "component"),
    [
        ("no-unet", "no-unet", "unet"),
        ("no-text", "no-text", "text_encoder"),
        ("no-vae", "no-vae", "vae"),
        ("no-t5", "no-t5", "text_encoder_2"),
        ("seen", "no-sight", "image_encoder"),
    ],
)
def test_a_model_that_lacks_a_tensor_is_refused_by_name(
    model: str, lacking: str, component: str, removed: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        draw(tmp_path, model)
    told = str(refused.value)
    assert f"model {lacking!r}: " in told
    assert f"component {component!r} lacks tensors: " in told
    assert removed[lacking] in told


def test_a_motion_adapter_that_lacks_a_tensor_is_refused(removed: dict[str, str], tmp_path: Path) -> None:
    engine = DiffusersVideoEngine()
    engine.use_model("moved")
    engine.setup()
    still = tmp_path / "still.png"
    Image.new("RGB", (96, 64), "red").save(still)
    spec = ClipSpec(shot=shot(), still_stage="shot-01", seconds=0.5, fps=24)
    with pytest.raises(ConfigurationError, match=r"'no-motion': .* lacks tensors: ") as refused:
        engine.render(spec, context(tmp_path / "work", {"shot-01": still}))
    assert removed["no-motion"] in str(refused.value)
