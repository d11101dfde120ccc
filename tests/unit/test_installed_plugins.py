"""Packages with engines, installed as a person installs them and used by the render child of a device."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gpu_agents.__main__ import usable_engines
from gpu_agents.child.protocol import Done, Render
from gpu_agents.worker.render_child import RenderChild
from schemas.entities import EngineInfo
from schemas.errors import ConfigurationError
from schemas.specs import ShotSpec
from tests.plugins.installing import GRADIENT, install, install_broken, path_with

WHY = {
    "no-library": "cannot be imported: ModuleNotFoundError: No module named 'a_library_that_nobody_has'",
    "no-python": "cannot be imported: SyntaxError",
    "leaves": "cannot be imported: SystemExit: 3",
    "crashes": "the render process ended with signal SIGABRT",
    "unlike": "does not have the members of the engine protocol",
}


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins") / "site"
    install(GRADIENT, folder)
    install_broken(folder)
    return folder


@pytest.fixture
async def child(plugins: Path) -> AsyncIterator[RenderChild]:
    child = RenderChild([], os.environ | {"PYTHONPATH": path_with(plugins)})
    yield child
    await child.kill()


async def test_an_installed_engine_is_offered_beside_broken_ones_that_say_why(child: RenderChild) -> None:
    told = {engine.name: engine for engine in await usable_engines(child, [*WHY, "gradient"])}
    assert told.pop("gradient") == EngineInfo(
        name="gradient",
        kind="image",
        version="1",
        package="storyreel-gradient 1.2",
        needs=["3 bytes of memory a pixel"],
    )
    for name, engine in told.items():
        assert WHY[name] in engine.problem
    assert {engine.package for name, engine in told.items() if name != "crashes"} == {"storyreel-broken 0.3"}
    with pytest.raises(ConfigurationError, match="none of the engines leaves, unlike can be used here"):
        await usable_engines(child, ["leaves", "unlike"])


async def test_a_recipe_names_the_package_of_its_engine(child: RenderChild, tmp_path: Path) -> None:
    spec = ShotSpec(prompt="dawn", seed=3)
    done = await child.render(Render(job_id="j", engine="gradient", spec=spec, workdir=str(tmp_path)), lambda _: None)
    assert isinstance(done, Done), done
    assert json.loads(done.result)["recipe"]["package"] == {"name": "storyreel-gradient", "version": "1.2"}
