"""GET /engines, and names of engines with a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.controllers.engines import engine_views
from api.engines import engine_errors
from projections.folds.devices import DeviceRow
from schemas.entities import DeviceStatus, EngineInfo
from tests.unit.api.support import Edge


def device(name: str, *engines: EngineInfo, status: DeviceStatus = DeviceStatus.LIVE) -> DeviceRow:
    return DeviceRow(device_id=name, status=status, engines=list(engines))


READY = EngineInfo(name="diffusers", kind="image", version="1")
MISSING = EngineInfo(name="diffusers", problem="ConfigurationError: torch is not installed")
NAMED = EngineInfo(name="diffusers/sdxl", kind="image", version="1")


def test_an_engine_is_ready_where_a_live_device_can_run_it_and_says_why_elsewhere() -> None:
    rows = [device("cpu-0", MISSING), device("cuda-0", READY, NAMED)]
    views = {view.name: view for view in engine_views(rows, ["diffusers", "sketch"])}
    assert list(views) == ["diffusers", "diffusers/sdxl", "sketch"]
    assert views["diffusers"].ready
    assert [(d.device_id, d.ready) for d in views["diffusers"].devices] == [("cpu-0", False), ("cuda-0", True)]
    assert "torch" in views["diffusers"].devices[0].problem
    assert views["diffusers/sdxl"].installed
    assert (views["sketch"].ready, views["sketch"].kind, views["sketch"].devices) == (False, "image", [])


def test_a_lost_device_makes_nothing_ready() -> None:
    [view] = engine_views([device("cuda-0", READY, status=DeviceStatus.LOST)], ["diffusers"])
    assert (view.ready, view.devices) == (False, [])


def test_an_engine_of_a_device_alone_is_shown_as_the_device_tells_it() -> None:
    plugin = EngineInfo(
        name="gradient", kind="image", version="1", package="storyreel-gradient 1.2", needs=["much paint"]
    )
    [view] = engine_views([device("cpu-0", plugin)], [])
    assert (view.kind, view.installed, view.ready, view.needs) == ("image", False, True, ["much paint"])
    assert view.devices[0].package == "storyreel-gradient 1.2"


def test_every_engine_says_what_it_needs_and_by_model_which() -> None:
    extra = "the extra storyreel[gpu] on the device"
    names = ["diffusers/sdxl", "instantid/sdxl", "upscale/x4", "upscale", "sketch"]
    rows = [device("cuda-0", *(EngineInfo(name=name, version="1") for name in names))]
    views = {view.name: view for view in engine_views(rows, ["diffusers", "instantid", "sketch", "upscale"])}
    assert all(views[name].ready for name in names)
    assert views["diffusers"].needs == [extra, "a model of kind image"]
    assert views["diffusers/sdxl"].needs == [extra, "the model sdxl"]
    assert views["upscale/x4"].needs == [extra, "the model x4"]
    assert views["instantid"].needs == [
        extra,
        "a model of kind image",
        "a controlnet and an ip-adapter of family instantid",
        "an insightface model pack",
    ]
    assert views["instantid/sdxl"].needs[-1] == "the model sdxl"
    assert views["upscale"].needs == views["sketch"].needs == []


def test_any_account_may_ask(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.model.device_rows = [device("cpu-0", READY)]
    with edge.client("anna") as client:
        answer = client.get("/api/v1/engines")
        assert answer.status_code == 200, answer.text
        items = {item["name"]: item for item in answer.json()["items"]}
        assert items["diffusers"]["needs"] == ["the extra storyreel[gpu] on the device", "a model of kind image"]
        assert {"sketch", "animatic", "rules"} <= set(items)
        for name in ("descriptor", "clip-face"):
            assert any("does not tell people apart" in limit for limit in items[name]["limits"])
            assert any("looks for no face" in limit for limit in items[name]["limits"])
        for name in ("descriptor", "clip-face", "insightface"):
            assert "a score is a likeness, no proof of identity" in items[name]["limits"]
        assert any("licence" in limit for limit in items["insightface"]["limits"])
        assert items["sketch"]["limits"] == []
    with edge.client() as stranger:
        assert stranger.get("/api/v1/engines").status_code == 401


@pytest.mark.parametrize(
    ("engine", "kind", "fits"),
    [
        ("diffusers", "image", True),
        ("diffusers/sdxl", "image", True),
        ("instantid/sdxl", "image", True),
        ("diffusers-video/svd", "video", True),
        ("diffusers/sdxl", "video", False),
        ("sketch/sdxl", "image", False),
        ("diffusers/", "image", False),
        ("diffusers/../../etc", "image", False),
    ],
)
def test_engines_are_named_with_their_models(engine: str, kind: str, fits: bool) -> None:
    assert (not engine_errors({"engine": engine}, "engine", kind)) is fits
