"""The null engine: correct, tiny, quick."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gpu_agents.engines import registry
from gpu_agents.engines.base import Engine
from gpu_agents.engines.null import NullEngine, colour_of, plain_png
from schemas.errors import ConfigurationError, RenderCancelledError, RenderError
from schemas.specs import SpeechSpec
from tests.unit.engines.helpers import context, shot


def test_picture_has_the_asked_size_and_one_colour_of_the_seed(tmp_path: Path) -> None:
    output = NullEngine().render(shot(width=1536, height=864, seed=5), context(tmp_path))
    main = next(file for file in output.files if file.role == "main")
    with Image.open(main.path) as picture:
        picture.verify()
    with Image.open(main.path) as picture:
        assert picture.format == "PNG"
        assert picture.size == (1536, 864)
        assert picture.convert("RGB").getcolors() == [(1536 * 864, colour_of(5))]
    thumbnail = next(file for file in output.files if file.role == "thumbnail")
    with Image.open(thumbnail.path) as picture:
        assert max(picture.size) == 16


@given(width=st.integers(1, 70), height=st.integers(1, 40), colour=st.tuples(*[st.integers(0, 255)] * 3))
def test_any_size_decodes_to_the_colour(width: int, height: int, colour: tuple[int, int, int]) -> None:
    with Image.open(io.BytesIO(plain_png(width, height, colour))) as picture:
        assert picture.convert("RGB").getcolors() == [(width * height, colour)]


def test_seeds_give_different_colours() -> None:
    assert len({colour_of(seed) for seed in range(1000)}) > 990


def test_encoding_takes_less_than_three_milliseconds() -> None:
    best = min(_timed() for _ in range(20))
    assert best < 0.003


def _timed() -> float:
    start = time.perf_counter()
    plain_png(1536, 864, (1, 2, 3))
    return time.perf_counter() - start


def test_another_kind_of_spec_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="SpeechSpec"):
        NullEngine().render(SpeechSpec(text="hi"), context(tmp_path))


def test_a_cancelled_task_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(RenderCancelledError):
        NullEngine().render(shot(), context(tmp_path, is_cancelled=lambda: True))
    assert list(tmp_path.iterdir()) == []


def test_registry_loads_engines_by_entry_point() -> None:
    entries = registry.installed()
    assert {"sketch", "null", "descriptor"} <= set(entries)
    for name in ("sketch", "null", "descriptor"):
        engine = registry.load(name)
        assert isinstance(engine, Engine)
        assert engine.name == name


def test_registry_names_what_is_installed_when_an_engine_is_missing() -> None:
    with pytest.raises(ConfigurationError, match=r"'paintbrush' is not installed.*null"):
        registry.load("paintbrush")


def test_registry_refuses_a_name_claimed_twice() -> None:
    point = registry.installed()["null"].point
    with pytest.raises(ConfigurationError, match="claimed twice"):
        registry.collect([point, point])
