"""The sample engine of the documentation, through the render child that every device uses."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from gpu_agents.child.protocol import Done, Failed, Progressed, Render
from gpu_agents.engines.base import Engine, RenderContext
from gpu_agents.worker.render_child import RenderChild
from schemas.errors import RenderCancelledError
from schemas.specs import MusicSpec, PictureFormat, ShotSpec, Spec
from tests.plugins.gradient import storyreel_gradient as gradient
from tests.plugins.installing import GRADIENT, ROOT

TARGET = "gradient=tests.plugins.gradient.storyreel_gradient:GradientEngine"


@pytest.fixture
async def child() -> AsyncIterator[RenderChild]:
    child = RenderChild([TARGET], os.environ)
    yield child
    await child.kill()


def job(folder: Path, spec: Spec) -> Render:
    folder.mkdir(exist_ok=True)
    return Render(job_id=folder.name, engine="gradient", spec=spec, workdir=str(folder))


def test_it_has_the_members_of_the_protocol() -> None:
    assert isinstance(gradient.GradientEngine(), Engine)


async def test_a_device_would_offer_it(child: RenderChild) -> None:
    probed = await child.probe("gradient", 20)
    assert (probed.kind, probed.version, probed.problem) == ("image", "1", "")


@pytest.mark.parametrize("picture_format", ["png", "jpeg", "webp"])
async def test_it_paints_from_top_to_bottom(child: RenderChild, tmp_path: Path, picture_format: PictureFormat) -> None:
    seen: list[Progressed] = []
    spec = ShotSpec(prompt="dawn", seed=3, width=512, height=640, output_format=picture_format)
    done = await child.render(job(tmp_path / "job", spec), seen.append)
    assert isinstance(done, Done)
    [file] = done.files
    assert (file.role, file.content_type, file.width, file.height) == ("main", f"image/{picture_format}", 512, 640)
    told = json.loads(done.result)["summary"]
    with Image.open(file.path) as picture:
        assert picture.size == (512, 640)
        rgb = picture.convert("RGB")
        for place, colour in (((256, 0), told["top"]), ((256, 639), told["bottom"])):
            assert rgb.getpixel(place) == pytest.approx(colour, abs=6)
    assert (seen[-1].fraction, seen[-1].steps) == (1.0, gradient.STEPS)


async def test_the_same_seed_paints_the_same_bytes_and_another_does_not(child: RenderChild, tmp_path: Path) -> None:
    hashes = []
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        done = await child.render(job(tmp_path / name, ShotSpec(prompt="dawn", seed=seed)), lambda _: None)
        assert isinstance(done, Done)
        hashes.append(done.files[0].sha256)
    assert hashes[0] == hashes[1] != hashes[2]


async def test_it_refuses_what_it_cannot_paint(child: RenderChild, tmp_path: Path) -> None:
    failed = await child.render(job(tmp_path / "job", MusicSpec(sections=[("calm", 1.0)])), lambda _: None)
    assert isinstance(failed, Failed)
    assert (failed.code, failed.retryable) == ("spec_kind", False)


def test_it_stops_at_the_next_step_after_a_cancellation(tmp_path: Path) -> None:
    told: list[int] = []
    context = RenderContext(tmp_path, {}, lambda _f, step, _n, _p: told.append(step), lambda: len(told) >= 3)
    with pytest.raises(RenderCancelledError):
        gradient.GradientEngine().render(ShotSpec(prompt="dawn"), context)
    assert told == [1, 2, 3]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "language"), [("storyreel_gradient.py", "python"), ("pyproject.toml", "toml")])
def test_the_documentation_shows_the_files_as_they_are(name: str, language: str) -> None:
    source = (GRADIENT / name).read_text(encoding="utf-8")
    assert f"```{language}\n{source}```\n" in (ROOT / "infra/docs/engines.md").read_text(encoding="utf-8")
