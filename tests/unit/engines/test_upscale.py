"""Pictures made larger: by a tiny super-resolution pipeline where one is ready, by Lanczos where none is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gpu_agents.engines.base import Engine, RenderOutput
from gpu_agents.engines.diffusion import UpscaleEngine
from gpu_agents.engines.diffusion.tiles import enlarge_in_tiles, tile_boxes
from gpu_agents.models import shelf
from gpu_agents.models.registry import VARIABLE
from schemas.errors import ConfigurationError, RenderCancelledError, RenderError
from schemas.specs import ShotSpec, UpscaleSpec
from tests.tiny_models.store import write_registry
from tests.unit.engines.helpers import context, pixels

X4: dict[str, Any] = {
    "tiny": "x4_upscaler",
    "name": "x4",
    "kind": "upscale",
    "family": "x4",
    "defaults": {"steps": 2, "long_side": 64},
}


def use_models(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(path))
    shelf.registry.cache_clear()
    shelf.model_cache.cache_clear()


@pytest.fixture(autouse=True)
def fresh_shelf() -> Iterator[None]:
    torch.set_num_threads(1)
    assert VARIABLE not in os.environ
    yield
    shelf.registry.cache_clear()
    shelf.model_cache.cache_clear()


def enlarge(folder: Path, size: tuple[int, int] = (64, 48), model: str = "", **callbacks: Any) -> RenderOutput:
    """A picture, red at the left and white at the right, made four times as large."""
    engine = UpscaleEngine()
    engine.use_model(model)
    engine.setup()
    folder.mkdir(parents=True)
    small = Image.new("RGB", size, "white")
    small.paste((255, 0, 0), (0, 0, size[0] // 2, size[1]))
    small.save(folder / "small.png")
    spec = UpscaleSpec(source_stage="shot-01", width=4 * size[0], height=4 * size[1], prompt="a flag", seed=3)
    return engine.render(spec, context(folder / "w", {"shot-01": folder / "small.png"}, **callbacks))


def test_lanczos_enlarges_where_no_model_is_configured(tmp_path: Path) -> None:
    output = enlarge(tmp_path / "a")
    found = pixels(output.files[0].path)
    assert found.shape[:2] == (192, 256)
    assert abs(found[:, :120] - (255, 0, 0)).max() < 12
    assert abs(found[:, 136:] - 255).max() < 12
    assert (output.summary["method"], output.recipe["parameters"]["method"]) == ("lanczos", "lanczos")


def test_a_super_resolution_model_enlarges_in_tiles_and_the_recipe_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_models(monkeypatch, write_registry(tmp_path / "models", [X4]))
    told: list[int] = []
    first = enlarge(tmp_path / "a", (104, 64), on_progress=lambda _f, step, _n, _p: told.append(step))
    told_of = first.recipe["parameters"]
    assert (told_of["method"], told_of["pipeline"]) == ("x4", "StableDiffusionUpscalePipeline")
    assert (told_of["tile"], told_of["tiles"], told_of["steps"]) == (64, 2, 2)
    assert all(len(digest) == 64 for digest in told_of["weights"].values())
    assert (first.summary["method"], first.summary["tiles"]) == ("x4", 2)
    assert pixels(first.files[0].path).shape[:2] == (256, 416)
    assert told[:4] == [1, 2, 3, 4]
    again = enlarge(tmp_path / "b", (104, 64), "x4")
    assert first.files[0].path.read_bytes() == again.files[0].path.read_bytes()
    with pytest.raises(RenderCancelledError):
        enlarge(tmp_path / "c", on_progress=lambda *_: told.append(-1), is_cancelled=lambda: told[-1] == -1)


def test_a_model_that_is_not_ready_leaves_it_to_lanczos_unless_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = write_registry(tmp_path / "models", [X4])
    (tmp_path / "models/x4_upscaler").unlink()
    use_models(monkeypatch, registry)
    assert enlarge(tmp_path / "a").summary["method"] == "lanczos"
    with pytest.raises(ConfigurationError, match="'x4': its files are not here"):
        enlarge(tmp_path / "b", model="x4")


def test_it_refuses_other_specs_and_a_missing_picture(tmp_path: Path) -> None:
    engine = UpscaleEngine()
    assert isinstance(engine, Engine)
    with pytest.raises(RenderError, match="enlarges pictures"):
        engine.render(ShotSpec(prompt="x"), context(tmp_path))
    with pytest.raises(RenderError, match="no input file of stage 'shot-09'"):
        engine.render(UpscaleSpec(source_stage="shot-09", width=8, height=8), context(tmp_path))


@given(width=st.integers(1, 400), height=st.integers(1, 400), side=st.integers(8, 200))
def test_tiles_cover_the_picture_and_overlap(width: int, height: int, side: int) -> None:
    covered = np.zeros((height, width), int)
    boxes = tile_boxes(width, height, side)
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert (right - left, bottom - top) == (min(side, width), min(side, height))
        covered[top:bottom, left:right] += 1
    assert covered.min() >= 1
    assert len(boxes) == len(set(boxes))
    lefts = sorted({box[0] for box in boxes})
    assert all(after - before <= side - max(1, side // 8) for before, after in pairwise(lefts))


@settings(max_examples=25)
@given(width=st.integers(20, 120), height=st.integers(20, 120), factor=st.sampled_from([2, 4]))
def test_tiles_leave_no_seams(width: int, height: int, factor: int) -> None:
    """A gradient enlarged in tiles is the gradient enlarged at once, as nearly as pixels can tell."""
    ramp = np.linspace(0, 255, width, dtype=np.float32)
    source = Image.fromarray(np.repeat(np.tile(ramp, (height, 1))[..., None], 3, axis=2).astype(np.uint8))
    size = (3 * width, 3 * height)

    def scaled(tile: Image.Image, _: int) -> Image.Image:
        return tile.resize((tile.width * factor, tile.height * factor), Image.Resampling.BILINEAR)

    whole = np.asarray(enlarge_in_tiles(source, size, 10_000, scaled), int)
    tiled = np.asarray(enlarge_in_tiles(source, size, 32, scaled), int)
    assert tiled.shape == (size[1], size[0], 3)
    assert abs(tiled - whole).max() <= 16
