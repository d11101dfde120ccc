"""The `diffusers` engine over tiny pipelines of four families: what clients see, from spec to file."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from gpu_agents.engines.base import Engine, RenderOutput
from gpu_agents.engines.diffusion import DiffusersEngine
from gpu_agents.engines.diffusion.preview import Previewer
from gpu_agents.models import shelf
from gpu_agents.models.registry import VARIABLE
from schemas.errors import ConfigurationError, RenderCancelledError, RenderError
from schemas.specs import CharacterRef, MusicSpec
from tests.tiny_models.store import write_registry
from tests.unit.engines.helpers import context, pixels, shot

SMALL: dict[str, Any] = {"long_side": 64}
MODELS: list[dict[str, Any]] = [
    {"tiny": "sd15", "name": "sd", "kind": "image", "family": "sd15", "defaults": SMALL, "attach": [{"model": "look"}]},
    {"tiny": "sd15", "name": "euler", "kind": "image", "family": "sd15", "defaults": SMALL | {"scheduler": "euler_a"}},
    {"tiny": "sd15", "name": "odd", "kind": "image", "family": "sd15", "defaults": SMALL | {"scheduler": "flow_euler"}},
    {"tiny": "sdxl", "name": "xl", "kind": "image", "family": "sdxl", "defaults": SMALL},
    {"tiny": "sd3", "name": "three", "kind": "image", "family": "sd3", "defaults": SMALL},
    {"tiny": "flux", "name": "flux", "kind": "image", "family": "flux", "defaults": SMALL | {"max_tokens": 100}},
    {"tiny": "sd15_lora", "name": "ink", "kind": "lora", "family": "sd15", "styles": ["ink wash"], "scale": 0.8},
    {"tiny": "sd15_ip_adapter", "name": "look", "kind": "ip-adapter", "family": "sd15"},
]


@pytest.fixture(scope="module", autouse=True)
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    torch.set_num_threads(1)
    path = write_registry(tmp_path_factory.mktemp("models"), MODELS)
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(path)
    shelf.registry.cache_clear()
    shelf.model_cache.cache_clear()
    yield
    shelf.registry.cache_clear()
    shelf.model_cache.cache_clear()
    os.environ.pop(VARIABLE)
    if before is not None:
        os.environ[VARIABLE] = before


def engine(model: str = "") -> DiffusersEngine:
    made = DiffusersEngine()
    if model:
        made.use_model(model)
    made.setup()
    return made


def draw(folder: Path, model: str = "sd", inputs: dict[str, Path] | None = None, **fields: Any) -> RenderOutput:
    return engine(model).render(shot(**{"steps": 2, **fields}), context(folder, inputs))


def seen(output: RenderOutput) -> str:
    return hashlib.sha256(pixels(output.files[0].path).tobytes()).hexdigest()


def test_it_is_an_engine_whose_default_model_is_the_first_of_its_kind() -> None:
    assert isinstance(engine(), Engine)
    assert engine().entry().name == "sd"
    with pytest.raises(ConfigurationError, match="of kind lora"):
        engine("ink")


@pytest.mark.parametrize("model", ["sd", "xl", "three", "flux"])
def test_the_same_spec_gives_the_same_file_and_another_seed_another(model: str, tmp_path: Path) -> None:
    first, again = draw(tmp_path / "a", model), draw(tmp_path / "b", model)
    assert first.files[0].path.read_bytes() == again.files[0].path.read_bytes()
    assert seen(first) != seen(draw(tmp_path / "c", model, seed=8))
    with Image.open(first.files[0].path) as picture:
        assert (picture.format, picture.size) == ("PNG", (512, 512))
    assert (first.recipe["parameters"]["width"], first.summary["drawn_at"]) == (64, "64x64")


def test_the_recipe_names_weights_scheduler_precision_seed_and_lies_in_the_file(tmp_path: Path) -> None:
    output = draw(tmp_path, seed=11, guidance_scale=3.0)
    told = output.recipe["parameters"]
    assert (told["model"], told["scheduler"], told["precision"]) == ("sd", "DDIMScheduler", "float32")
    assert (told["seed"], told["guidance_scale"], told["num_inference_steps"]) == (11, 3.0, 2)
    unet = shelf.registry().folder(engine().entry()) / "unet/diffusion_pytorch_model.safetensors"
    assert told["weights"]["unet/diffusion_pytorch_model.safetensors"] == hashlib.sha256(unet.read_bytes()).hexdigest()
    assert {"torch", "diffusers", "transformers"} <= set(output.recipe["libraries"])
    with Image.open(output.files[0].path) as picture:
        assert output.recipe["recipe_id"] in picture.info["storyreel"]


def test_prompt_negative_prompt_guidance_and_camera_all_count(tmp_path: Path) -> None:
    variants: list[dict[str, Any]] = [
        {},
        {"prompt": "sea"},
        {"negative_prompt": "fog"},
        {"guidance_scale": 2.0},
        {"steps": 3},
        {"camera": "aerial"},
    ]
    assert len({seen(draw(tmp_path / str(number), **fields)) for number, fields in enumerate(variants)}) == len(
        variants
    )


def test_a_scheduler_by_name_changes_the_picture_and_one_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    output = draw(tmp_path / "a", "euler")
    assert output.recipe["parameters"]["scheduler"] == "EulerAncestralDiscreteScheduler"
    with pytest.raises(ConfigurationError, match="'flow_euler' does not fit"):
        draw(tmp_path / "b", "odd")


def test_a_lora_acts_for_its_style_alone(tmp_path: Path) -> None:
    plain = draw(tmp_path / "plain")
    inked = draw(tmp_path / "ink", style="ink wash")
    assert inked.recipe["parameters"]["loras"] == [{"model": "ink", "scale": 0.8}]
    assert inked.recipe["parameters"]["adapter_weights"]["ink"]
    assert abs(pixels(inked.files[0].path) - pixels(draw(tmp_path / "o", style="ink lash").files[0].path)).mean() > 1
    assert seen(draw(tmp_path / "after")) == seen(plain)


def coloured(folder: Path) -> dict[str, Path]:
    pictures = {}
    for name, colour in (("red", (220, 20, 20, 255)), ("blue", (20, 20, 220, 255))):
        pictures[name] = folder / f"{name}.png"
        Image.new("RGBA", (96, 96), colour).save(pictures[name])
    return pictures


def test_the_characters_portrait_is_looked_at(tmp_path: Path) -> None:
    pictures = coloured(tmp_path)
    cast = [CharacterRef(character_id="c", name="Mara", portrait_key="portrait")]
    found = {
        name: draw(tmp_path / f"o-{name}", inputs={"portrait": path}, characters=cast)
        for name, path in pictures.items()
    }
    assert seen(found["red"]) != seen(found["blue"])
    assert found["red"].recipe["parameters"]["ip_adapter"] == {"model": "look", "scale": 1.0, "pictures": 1}
    assert found["red"].recipe["inputs"]["reference-1"] == hashlib.sha256(pictures["red"].read_bytes()).hexdigest()
    alone = draw(tmp_path / "alone")
    assert "ip_adapter" not in alone.recipe["parameters"]


def test_the_characters_photos_are_looked_at_together_and_before_its_portrait(tmp_path: Path) -> None:
    """Two photos give another picture than either alone, and the portrait is for characters without photos."""
    pictures = coloured(tmp_path)
    nobody = CharacterRef(character_id="n", name="Nobody")
    mara = CharacterRef(character_id="c", name="Mara", portrait_key="blue", photo_keys=["red", "blue", "not here"])

    def by(*handed_over: str) -> RenderOutput:
        inputs = {name: pictures[name] for name in handed_over}
        return draw(tmp_path / "-".join(handed_over), inputs=inputs, characters=[nobody, mara])

    both, red, blue = by("red", "blue"), by("red"), by("blue")
    assert len({seen(both), seen(red), seen(blue)}) == 3
    assert both.recipe["parameters"]["ip_adapter"]["pictures"] == 2
    digests = [hashlib.sha256(pictures[name].read_bytes()).hexdigest() for name in ("red", "blue")]
    assert [both.recipe["inputs"][f"reference-{number}"] for number in (1, 2)] == digests


@pytest.mark.parametrize("model", ["sd", "xl"])
def test_the_end_of_a_long_prompt_is_read_too(model: str, tmp_path: Path) -> None:
    start = "a long description of an old harbour town " * 9
    first = draw(tmp_path / "a", model, prompt=start + "with red boats")
    other = draw(tmp_path / "b", model, prompt=start + "with blue cars")
    assert first.summary["prompt_tokens"] > 300
    assert seen(first) != seen(other)
    assert "warning" not in first.summary


def test_a_prompt_longer_than_the_model_reads_is_said_aloud(tmp_path: Path) -> None:
    output = draw(tmp_path, "flux", prompt="a harbour " * 40)
    assert output.summary["warning"].endswith("the model reads the first 99")


def test_each_step_is_told_and_a_cancellation_stops_before_the_next(tmp_path: Path) -> None:
    told: list[int] = []
    stopping = context(
        tmp_path, on_progress=lambda _f, step, _n, _p: told.append(step), is_cancelled=lambda: len(told) >= 2
    )
    with pytest.raises(RenderCancelledError):
        engine().render(shot(steps=6), stopping)
    assert told == [1, 2]


def test_a_preview_is_a_small_picture_of_what_there_is_so_far(tmp_path: Path) -> None:
    for model, latents in (("sd", torch.zeros(1, 4, 96, 64)), ("flux", torch.zeros(1, 48 * 32, 16))):
        draw(tmp_path / model, model)
        entry = engine(model).entry()
        ticks = iter([0.0, 0.5, 3.0, 3.1])
        with shelf.model_cache().use(entry.name, 1, lambda: None) as loaded:
            previewer = Previewer(loaded.pipeline, 512, 768, ticks.__next__)
            assert previewer.look(latents) is None
            preview = previewer.look(latents)
        assert preview is not None
        with Image.open(io.BytesIO(preview)) as picture:
            assert (picture.format, max(picture.size)) == ("JPEG", 320)


def test_a_picture_that_was_handed_in_takes_the_place_of_drawing(tmp_path: Path) -> None:
    given = tmp_path / "given.png"
    Image.new("RGB", (300, 200), (10, 200, 30)).save(given)
    output = draw(tmp_path / "out", inputs={"asset": given}, image_key="asset")
    assert abs(pixels(output.files[0].path) - (10, 200, 30)).max() < 2
    with pytest.raises(RenderError, match="image_key"):
        draw(tmp_path / "none", image_key="asset")


def test_it_refuses_other_specs_and_unknown_models(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="draws shots"):
        engine().render(MusicSpec(sections=[("calm", 1.0)]), context(tmp_path))
    with pytest.raises(ConfigurationError, match="'nope' is not in the registry"):
        engine("nope")
