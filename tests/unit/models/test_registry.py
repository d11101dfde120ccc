"""The registry: what it says is typed, checked and refused by field; engines by model."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpu_agents.models.entry import GIB, ModelKind
from gpu_agents.models.offers import model_of, with_models
from gpu_agents.models.registry import ModelRegistry, load_registry, parse_registry
from schemas.errors import ConfigurationError

COMMIT = "a" * 40
GOOD = f"""
root = "weights"
[cache]
max_size_gb = 2.5
[[models]]
name = "sdxl"
kind = "image"
family = "sdxl"
hub = "stabilityai/sdxl"
revision = "{COMMIT}"
licence = "openrail++"
memory_gb = 9.5
attach = [{{ model = "ink", scale = 0.5 }}]
[models.defaults]
scheduler = "euler"
[[models]]
name = "ink"
kind = "lora"
family = "sdxl"
path = "ink.safetensors"
licence = "Apache-2.0"
memory_gb = 0.2
styles = ["ink wash"]
[[models]]
name = "small"
kind = "image"
family = "sd15"
path = "sd15"
licence = "openrail"
memory_gb = 4
default = true
"""


def parse(text: str) -> ModelRegistry:
    return parse_registry(text, Path("somewhere"), "models.toml")


def test_a_registry_says_where_models_lie_and_which_is_the_default() -> None:
    registry = parse(GOOD)
    sdxl = registry.get("sdxl")
    assert registry.folder(sdxl) == Path("somewhere/weights/stabilityai--sdxl--aaaaaaaaaaaa")
    assert (sdxl.memory_bytes, registry.cache.limit(0)) == (round(9.5 * GIB), round(2.5 * GIB))
    assert registry.default(ModelKind.IMAGE).name == "small"
    assert model_of(registry, "sdxl", ModelKind.IMAGE) is sdxl
    with pytest.raises(ConfigurationError, match="no model of kind 'video'"):
        registry.default(ModelKind.VIDEO)
    with pytest.raises(ConfigurationError, match="'ink' is of kind lora"):
        model_of(registry, "ink", ModelKind.IMAGE)


def test_four_fifths_of_the_device_are_for_models_unless_a_size_is_given() -> None:
    assert parse("").cache.limit(10 * GIB) == 8 * GIB


def test_an_engine_is_offered_with_every_model_that_it_runs() -> None:
    names = with_models(["diffusers", "sketch", "instantid", "diffusers-video"], parse(GOOD))
    pictures = ["diffusers", "diffusers/sdxl", "diffusers/small"]
    faces = ["instantid", "instantid/sdxl", "instantid/small"]
    assert names == [*pictures, "sketch", *faces, "diffusers-video"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("memory_gb = 9.5", "memory_gb = -1"), r"models.toml: models\[0\].memory_gb: .*> 0"),
        (('kind = "image"\nfamily = "sdxl"', 'kind = "picture"\nfamily = "sdxl"'), r"models\[0\].kind: .*'picture'"),
        (('licence = "openrail++"', 'lisence = "x"'), "unknown field `lisence`|missing required field `licence`"),
        ((f'revision = "{COMMIT}"', 'revision = "main"'), "'sdxl': revision: must be a commit of 40 hex digits"),
        (('path = "sd15"', 'path = "sd15"\nhub = "a/b"'), "'small': path, hub: exactly one"),
        (('path = "sd15"', 'path = "sd15"\nmanifest_sha256 = "AB"'), "manifest_sha256: must be 64 hex digits"),
        (('path = "sd15"', 'path = "sd15"\nfiles = {"../x" = "a"}'), "must be a path inside the model's folder"),
        (('name = "small"', 'name = "sdxl"'), "the name 'sdxl' is given twice"),
        (('family = "sdxl"\npath', 'family = "sd15"\npath'), "'ink' is of family 'sd15', not 'sdxl'"),
        (('model = "ink"', 'model = "oil"'), "'oil' is not in the registry"),
        (('model = "ink"', 'model = "small"'), "'small' of kind image stands alone"),
        (("scale = 0.5", "scale = 9.0"), r"attach\[0\].scale"),
        (("max_size_gb = 2.5", 'max_size_gb = "much"'), "cache.max_size_gb"),
        (('root = "weights"', 'root = "weights'), "models.toml: "),
    ],
)
def test_a_mistake_is_refused_with_its_field_and_rule(change: tuple[str, str], words: str) -> None:
    assert change[0] in GOOD
    with pytest.raises(ConfigurationError, match=words):
        parse(GOOD.replace(*change, 1))


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    assert load_registry({}).models == []
    (tmp_path / "m.toml").write_text(GOOD)
    loaded = load_registry({"STORYREEL_MODELS": str(tmp_path / "m.toml")})
    assert loaded.folder(loaded.get("small")) == tmp_path / "weights/sd15"
    with pytest.raises(ConfigurationError, match=r"STORYREEL_MODELS: .* cannot be read"):
        load_registry({"STORYREEL_MODELS": str(tmp_path / "absent.toml")})
