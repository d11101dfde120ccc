"""The instantid engine on tiny models of the real architectures: who is shown, where, and what it needs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from gpu_agents.engines import registry
from gpu_agents.engines.base import RenderOutput
from gpu_agents.engines.instantid import InstantIdEngine
from gpu_agents.engines.instantid.composition import placed, points_picture, regions
from gpu_agents.engines.instantid.loading import load_identity
from gpu_agents.faces.align import ARCFACE_POINTS
from gpu_agents.models import shelf
from gpu_agents.worker.inputs import spec_keys
from schemas.errors import ConfigurationError, RenderCancelledError, RenderError
from schemas.specs import CharacterRef, MusicSpec, ShotSpec
from tests.tiny_models.identity import build_identity_adapter, build_identity_net
from tests.tiny_models.images import build_sd15, build_sdxl
from tests.unit.engines.helpers import context
from tests.unit.faces.made import accepting, photo

SIDE = 128
REGISTRY = """
[[models]]
name = "base"
kind = "image"
family = "{family}"
path = "base"
licence = "made here"
memory_gb = 0.1

[[models]]
name = "identity-net"
kind = "controlnet"
family = "instantid"
path = "net"
licence = "made here"
memory_gb = 0.1

[[models]]
name = "identity-adapter"
kind = "ip-adapter"
family = "instantid"
path = "adapter"
licence = "made here"
memory_gb = 0.1
"""
ACCEPTED = {
    name: {"licence": "made here", "by": "tests", "at": "2026-11-24T00:00:00Z"}
    for name in ("base", "identity-net", "identity-adapter")
}


def models(folder: Path, family: str) -> Path:
    base = {"sdxl": build_sdxl, "sd15": build_sd15}[family](folder / "base")
    build_identity_net(folder / "net", base)
    build_identity_adapter(folder / "adapter", base)
    (folder / "models.toml").write_text(REGISTRY.format(family=family), encoding="utf-8")
    (folder / ".storyreel-licences.json").write_text(json.dumps(ACCEPTED), encoding="utf-8")
    return folder / "models.toml"


@pytest.fixture(scope="module", params=["sdxl", "sd15"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pack: Path
) -> Iterator[InstantIdEngine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORYREEL_MODELS", str(models(tmp_path_factory.mktemp("models"), request.param)))
        accepting(patch, pack)
        shelf.registry.cache_clear()
        shelf.model_cache.cache_clear()
        made = InstantIdEngine()
        made.setup()
        yield made
    shelf.registry.cache_clear()
    shelf.model_cache.cache_clear()


def draw(engine: InstantIdEngine, folder: Path, *people: int, **changes: Any) -> np.ndarray:
    with Image.open(drawn(engine, folder, *people, **changes).files[0].path) as picture:
        return np.asarray(picture).astype(float)


def drawn(engine: InstantIdEngine, folder: Path, *people: int, **changes: Any) -> RenderOutput:
    photos = int(changes.pop("photos", 2))
    callbacks = {name: changes.pop(name) for name in ("on_progress", "is_cancelled") if name in changes}
    inputs, characters = {}, []
    folder.mkdir(parents=True, exist_ok=True)
    for place, person in enumerate(people):
        keys = [f"{place}-{number}" for number in range(photos)]
        for number, key in enumerate(keys):
            inputs[key] = folder / f"{key}.png"
            photo(person, number).save(inputs[key])
        characters.append(CharacterRef(character_id=f"c{place}", name=f"c{place}", photo_keys=keys))
    asked = {"prompt": "a garden", "width": SIDE, "height": SIDE, "steps": 2, "seed": 3, "camera": "close_up"}
    spec = ShotSpec(characters=characters, **{**asked, **changes})
    return engine.render(spec, context(folder / "out", inputs, **callbacks))


def test_another_person_is_another_picture_and_the_same_one_the_same(engine: InstantIdEngine, tmp_path: Path) -> None:
    first, again, other = (draw(engine, tmp_path / name, who) for name, who in (("a", 1), ("b", 1), ("c", 2)))
    assert np.array_equal(first, again)
    assert np.abs(first - other).mean() > 1


def test_every_reference_photo_counts(engine: InstantIdEngine, tmp_path: Path) -> None:
    one = drawn(engine, tmp_path / "one", 1, photos=1)
    three = drawn(engine, tmp_path / "three", 1, photos=3)
    assert (one.recipe["parameters"]["photos"], three.recipe["parameters"]["photos"]) == ({"c0": 1}, {"c0": 3})
    assert one.files[0].path.read_bytes() != three.files[0].path.read_bytes()


def test_persons_act_in_their_own_region(engine: InstantIdEngine, tmp_path: Path) -> None:
    """Changing one of two persons changes the outer quarter on that side most; a small network sees past the border."""
    both = draw(engine, tmp_path / "both", 1, 2)
    left, right = draw(engine, tmp_path / "left", 3, 2), draw(engine, tmp_path / "right", 1, 3)
    quarter = SIDE // 4
    for other, near, far in ((left, np.s_[:quarter], np.s_[-quarter:]), (right, np.s_[-quarter:], np.s_[:quarter])):
        change = np.abs(both - other).mean(axis=(0, 2))
        assert change[near].mean() > 1.3 * change[far].mean()


def test_progress_is_told_and_a_cancellation_heard(engine: InstantIdEngine, tmp_path: Path) -> None:
    told: list[int] = []
    with pytest.raises(RenderCancelledError):
        drawn(
            engine,
            tmp_path,
            1,
            steps=5,
            on_progress=lambda _f, step, _n, _p: told.append(step),
            is_cancelled=lambda: len(told) >= 2,
        )
    assert told == [1, 2]


def test_what_it_cannot_draw_is_refused(engine: InstantIdEngine, tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="name at least one"):
        drawn(engine, tmp_path / "nobody")
    with pytest.raises(RenderError, match="MusicSpec"):
        engine.render(MusicSpec(sections=[("calm", 1.0)]), context(tmp_path / "music"))
    blank = tmp_path / "blank.png"
    Image.new("RGB", (640, 640), "grey").save(blank)
    spec = ShotSpec(prompt="x", characters=[CharacterRef(character_id="c7", name="Li", photo_keys=["k"])])
    with pytest.raises(RenderError, match="no face was found in the photos of c7"):
        engine.render(spec, context(tmp_path / "faceless", {"k": blank}))


def test_a_device_offers_it_by_model_with_one_pack_for_all(engine: InstantIdEngine, tmp_path: Path) -> None:
    named = registry.load("instantid/base")
    assert isinstance(named, InstantIdEngine)
    named.setup()
    assert named.identity().base.name == "base"
    assert draw(named, tmp_path / "named", 1).shape == (SIDE, SIDE, 3)
    assert named._encoder is engine._encoder
    with pytest.raises(ConfigurationError, match="'identity-net' is of kind controlnet"):
        registry.load("instantid/identity-net").setup()


def test_missing_models_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models.toml").write_text(REGISTRY.format(family="sdxl").split("\n\n")[0], encoding="utf-8")
    monkeypatch.setenv("STORYREEL_MODELS", str(tmp_path / "models.toml"))
    shelf.registry.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match=r"'controlnet' and family 'instantid'"):
            InstantIdEngine().setup()
    finally:
        shelf.registry.cache_clear()


def test_a_network_of_which_weights_are_missing_is_refused(
    engine: InstantIdEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Path(os.environ["STORYREEL_MODELS"])
    shutil.copytree(registry.parent, tmp_path, dirs_exist_ok=True)
    (weights,) = (tmp_path / "net").glob("*.safetensors")
    tensors = load_file(weights)
    del tensors["controlnet_mid_block.bias"]
    save_file(tensors, weights, metadata={"format": "pt"})
    monkeypatch.setenv("STORYREEL_MODELS", str(tmp_path / registry.name))
    shelf.registry.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match=r"'identity-net': weights of the ControlNet are missing"):
            load_identity(engine.identity())
    finally:
        shelf.registry.cache_clear()


def test_an_agent_brings_the_photos_to_the_engines_that_read_them() -> None:
    character = CharacterRef(character_id="c", name="Li", portrait_key="portrait", photo_keys=["one", "two"])
    spec = ShotSpec(prompt="x", characters=[character])
    assert spec_keys(spec, "instantid") == ["portrait", "one", "two"]
    assert spec_keys(spec, "instantid/base") == ["portrait", "one", "two"]
    assert spec_keys(spec, "sketch") == ["portrait"]
    many = CharacterRef(character_id="c", name="Ann", photo_keys=[f"photo-{number}" for number in range(10)])
    read = spec_keys(ShotSpec(prompt="x", characters=[many]), "diffusers/sd")
    assert read == many.photo_keys[:4], "the best ones, which come first"


def test_regions_cover_the_frame_once() -> None:
    for people in (1, 2, 3):
        assert (regions(people, 100, 40).sum(axis=0) == 1).all()


@pytest.mark.parametrize("camera", ["close_up", "medium", "wide", "aerial", "pan"])
def test_points_stay_in_their_strip_and_grow_with_the_camera(camera: str) -> None:
    for place in range(2):
        points = placed(ARCFACE_POINTS, place, 2, camera, 800, 600)
        assert 400 * place < points[:, 0].min() < points[:, 0].max() < 400 * (place + 1)
        assert 0 < points[:, 1].min() < points[:, 1].max() < 600
    near, far = (placed(ARCFACE_POINTS, 0, 1, name, 800, 600) for name in ("close_up", "wide"))
    assert np.ptp(near[:, 0]) > 2 * np.ptp(far[:, 0])


def test_the_picture_of_points_has_each_in_its_colour() -> None:
    points = placed(ARCFACE_POINTS, 0, 1, "close_up", 400, 400)
    picture = points_picture([points], 400, 400)
    seen = [tuple(picture[round(float(y)), round(float(x))]) for x, y in points]
    assert seen == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255)]
    assert not points_picture([], 40, 40).any()
