"""Films whose stills are enlarged: how large, by which stages, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.planning.enlarging import MOST, enlarged
from projections.folds.assets import AssetRow
from schemas.common import Limits, StageKind
from schemas.ids import new_id
from schemas.requests import VideoRequested
from schemas.specs import FilmSpec, ShotSpec, UpscaleSpec
from tests.unit.api.helpers import ME, sealed, spec_of
from tests.unit.api.support import Edge

SIDES = st.integers(64, 256).map(lambda eighth: 8 * eighth)  # 512-2048


def ask(edge: Edge, **fields: Any) -> VideoRequested:
    with edge.client(ME) as client:
        answer = client.post("/api/v1/videos/generate", json=fields)
    assert answer.status_code == 202, answer.text
    (request,) = edge.gateway.requests
    assert isinstance(request, VideoRequested)
    return request


def test_stills_are_drawn_small_enlarged_and_filmed_large(edge: Edge) -> None:
    asset = AssetRow(asset_id=new_id(), account_id=ME, sealed=sealed(edge, {"key": "accounts/x.png"}, "asset"))
    edge.model.assets[asset.asset_id] = asset
    scenes = [{"prompt": "a hill", "duration": 2}, {"prompt": "b", "duration": 1, "image_path": asset.asset_id}]
    config = {"resolution": "640x512", "upscale": True, "audio": False}
    request = ask(edge, scenes=scenes, video_config=config, upscale_engine="upscale/x4", seed=5)
    assert request.plan is not None
    assert (request.width, request.height) == (1280, 1024)
    stages = {stage.stage_id: stage for stage in request.plan.stages}
    assert list(stages) == ["shot-01", "large-01", "shot-02", "film"]
    large, film = stages["large-01"], stages["film"]
    assert (large.kind, large.engine, large.depends_on) == (StageKind.UPSCALE, "upscale/x4", ["shot-01"])
    assert (stages["shot-01"].work, large.work, large.deliver) == (327, 1310, False)
    drawn, given_picture = spec_of(edge, stages["shot-01"]), spec_of(edge, stages["shot-02"])
    assert isinstance(drawn, ShotSpec)
    assert isinstance(given_picture, ShotSpec)
    assert (drawn.width, drawn.height) == (640, 512)
    assert (given_picture.width, given_picture.height) == (1280, 1024)
    spec = spec_of(edge, large)
    assert spec == UpscaleSpec(source_stage="shot-01", width=1280, height=1024, prompt="a hill", seed=6)
    cut = spec_of(edge, film)
    assert isinstance(cut, FilmSpec)
    assert (cut.width, cut.height, [shot.still_stage for shot in cut.shots]) == (1280, 1024, ["large-01", "shot-02"])
    assert film.depends_on == ["large-01", "shot-02"]


def test_the_default_resolution_grows_as_far_as_the_account_may(edge: Edge) -> None:
    request = ask(edge, scenes=[{"prompt": "x"}], video_config={"upscale": True})
    assert (request.width, request.height) == (1800, 1080)


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({"video_config": {"upscale": True, "resolution": "1920x1080"}}, "video_config.upscale", "nothing_to_gain"),
        ({"video_config": {"upscale": True}, "engine": "diffusers-video"}, "video_config.upscale", "stills_only"),
        ({"video_config": {"upscale": True}, "upscale_engine": "sketch"}, "upscale_engine", "engine"),
    ],
    ids=["no room", "clips", "engine"],
)
def test_what_cannot_be_enlarged_is_refused(edge: Edge, fields: dict[str, Any], field: str, rule: str) -> None:
    with edge.client(ME) as client:
        answer = client.post("/api/v1/videos/generate", json={"scenes": [{"prompt": "x"}], **fields})
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["field"], error["rule"]) == (field, rule)
    assert edge.gateway.requests == []


@given(width=SIDES, height=SIDES, long=st.integers(512, 8192), short=st.integers(512, 8192))
def test_an_enlarged_film_is_larger_even_alike_and_allowed(width: int, height: int, long: int, short: int) -> None:
    limits = Limits(max_width=long, max_height=short)
    size = enlarged(width, height, limits)
    allowed = sorted((long, short))
    if size is None:
        assert max(width, height) + 2 > allowed[1] or min(width, height) + 2 > allowed[0] or max(width, height) > 4000
        return
    assert all(
        side % 2 == 0 and old < side <= min(2 * old, MOST) for old, side in zip((width, height), size, strict=True)
    )
    assert all(side <= most for side, most in zip(sorted(size), allowed, strict=True))
    assert abs(size[0] / width - size[1] / height) < 2 / 512
