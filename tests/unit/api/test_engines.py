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


def test_an_engine_of_a_device_alone_is_shown_with_its_own_kind() -> None:
    [view] = engine_views([device("cpu-0", EngineInfo(name="gradient", kind="image", version="1"))], [])
    assert (view.kind, view.installed, view.ready) == ("image", False, True)


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
        ("diffusers-video/svd", "video", True),
        ("diffusers/sdxl", "video", False),
        ("sketch/sdxl", "image", False),
        ("diffusers/", "image", False),
        ("diffusers/../../etc", "image", False),
    ],
)
def test_engines_are_named_with_their_models(engine: str, kind: str, fits: bool) -> None:
    assert (not engine_errors({"engine": engine}, "engine", kind)) is fits
