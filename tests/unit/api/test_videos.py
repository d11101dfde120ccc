"""Films of scenes, of a script and of a storyboard, with the caller's own pictures and characters."""

from __future__ import annotations

from typing import Any

import msgspec

from projections.folds.assets import AssetRow
from projections.folds.storyboards import StoryboardRow
from schemas.common import StageKind
from schemas.film import FilmOptions
from schemas.ids import new_id
from schemas.requests import VideoRequested
from schemas.specs import ClipSpec, FilmSpec, ScriptSpec, ShotSpec, StoryboardDraft, StoryboardShot
from tests.unit.api.helpers import ME, OTHER, ready_character, sealed, spec_of
from tests.unit.api.support import Edge


def test_a_film_of_scenes_is_planned_completely(edge: Edge) -> None:
    character = ready_character(edge)
    asset = AssetRow(asset_id=new_id(), account_id=ME, sealed=sealed(edge, {"key": "accounts/x.png"}, "asset"))
    edge.model.assets[asset.asset_id] = asset
    scenes = [
        {"prompt": "a hill", "duration": 2, "character_id": character, "narration": "Hello"},
        {"id": "b", "prompt": "a wall", "duration": 3, "image_path": asset.asset_id},
    ]
    body = {"scenes": scenes, "video_config": {"resolution": "640x512", "fps": 12}, "title": "T", "seed": 5}
    with edge.client(ME) as client:
        assert client.post("/api/v1/videos/generate", json=body).status_code == 202
    (request,) = edge.gateway.requests
    assert isinstance(request, VideoRequested)
    assert request.plan is not None
    assert (request.width, request.height, request.fps) == (640, 512, 12)
    assert (request.plan.duration_ms, request.plan.frames, request.plan.shot_count) == (5000, 60, 2)
    assert [s.stage_id for s in request.plan.stages] == ["shot-01", "speech-01", "shot-02", "music", "film"]
    assert request.character_ids == [character]
    first, second = spec_of(edge, request.plan.stages[0]), spec_of(edge, request.plan.stages[2])
    assert isinstance(first, ShotSpec)
    assert isinstance(second, ShotSpec)
    assert (first.image_key, first.characters[0].name) == ("", "Han Li")
    assert (second.image_key, second.characters) == ("accounts/x.png", [])
    film = spec_of(edge, request.plan.stages[-1])
    assert isinstance(film, FilmSpec)
    assert (film.title, film.language) == ("T", "en")


def test_a_video_model_gets_a_stage_a_shot_and_the_film_is_cut_from_its_clips(edge: Edge) -> None:
    scenes = [{"prompt": "a", "duration": 2}, {"prompt": "b", "duration": 3, "transition": "cut"}]
    body = {"scenes": scenes, "engine": "diffusers-video/svd", "video_config": {"fps": 10, "audio": False}}
    with edge.client(ME) as client:
        assert client.post("/api/v1/videos/generate", json=body).status_code == 202
    (request,) = edge.gateway.requests
    assert isinstance(request, VideoRequested)
    assert request.plan is not None
    stages = {stage.stage_id: stage for stage in request.plan.stages}
    assert list(stages) == ["shot-01", "clip-01", "shot-02", "clip-02", "film"]
    clips = [stages[name] for name in ("clip-01", "clip-02")]
    assert [(clip.kind, clip.engine) for clip in clips] == [(StageKind.CLIP, "diffusers-video/svd")] * 2
    assert [clip.depends_on for clip in clips] == [["shot-01"], ["shot-02"]]
    assert (stages["film"].engine, stages["film"].depends_on) == ("animatic", ["clip-01", "clip-02"])
    first, second = (spec_of(edge, clip) for clip in clips)
    assert isinstance(first, ClipSpec)
    assert isinstance(second, ClipSpec)
    assert (first.still_stage, first.fps, first.shot.prompt) == ("shot-01", 10, "a")
    assert (first.seconds, second.seconds) == (2.35, 3.35)  # the crossfade between them shows both
    film = spec_of(edge, stages["film"])
    assert isinstance(film, FilmSpec)
    assert [shot.still_stage for shot in film.shots] == ["clip-01", "clip-02"]


def test_a_film_of_a_script_leaves_the_plan_to_the_script_engine(edge: Edge) -> None:
    character = ready_character(edge)
    body = {"script": "山上。", "characters": [character], "video_config": {"fps": 10}, "target_duration": 12}
    with edge.client(ME) as client:
        assert client.post("/api/v1/videos/generate", json=body).status_code == 202
    (request,) = edge.gateway.requests
    assert isinstance(request, VideoRequested)
    assert request.plan is None
    assert request.script is not None
    assert (request.script.stage_id, request.script.kind, request.script.deliver) == ("script", StageKind.SCRIPT, False)
    spec = spec_of(edge, request.script)
    assert isinstance(spec, ScriptSpec)
    options = msgspec.json.decode(spec.film_options, type=FilmOptions)
    assert (options.fps, options.language, list(options.characters)) == (10, "zh", [character])
    assert (spec.text, spec.target_duration, spec.max_duration) == ("山上。", 12, 60)


def test_a_film_of_a_storyboard_plays_its_characters(edge: Edge) -> None:
    character = ready_character(edge)
    shots = [
        StoryboardShot(id="a", prompt="x", duration=1, character_id=character),
        StoryboardShot(id="b", prompt="y", duration=1, characters=["Somebody", "Han Li"]),
    ]
    draft = StoryboardDraft(title="Board", language="en", shots=shots, duration=2)
    result = {"data": {"storyboard": msgspec.to_builtins(draft)}}
    board = StoryboardRow(storyboard_id=new_id(), account_id=ME, sealed=sealed(edge, result, "result"))
    edge.model.storyboards[board.storyboard_id] = board
    with edge.client(ME) as client:
        assert client.post("/api/v1/videos/generate", json={"storyboard_id": board.storyboard_id}).status_code == 202
        shown = client.get(f"/api/v1/storyboards/{board.storyboard_id}").json()
    (request,) = edge.gateway.requests
    assert isinstance(request, VideoRequested)
    assert request.plan is not None
    stills = [spec_of(edge, s) for s in request.plan.stages if s.kind is StageKind.SHOT]
    assert [s.characters[0].character_id for s in stills if isinstance(s, ShotSpec)] == [character, character]
    assert [shot["id"] for shot in shown["storyboard"]["shots"]] == ["a", "b"]


def test_names_that_are_not_the_callers_are_bad_fields_all_at_once(edge: Edge) -> None:
    foreign, raw, failed = ready_character(edge, OTHER), ready_character(edge, status="processing"), new_id()
    stolen = AssetRow(asset_id=new_id(), account_id=OTHER, sealed=b"")
    edge.model.assets[stolen.asset_id] = stolen
    paths = [
        "/etc/passwd",
        "../../x.png",
        stolen.asset_id,
        f"accounts/{OTHER}/assets/{stolen.asset_id}.png",
        "http://x/y",
    ]
    scenes: list[dict[str, Any]] = [{"prompt": "x", "duration": 1, "image_path": path} for path in paths]
    scenes += [{"prompt": "x", "duration": 1, "character_id": c} for c in (foreign, raw, failed)]
    with edge.client(ME) as client:
        answer = client.post("/api/v1/videos/generate", json={"scenes": scenes})
    assert answer.status_code == 400
    rules = {error["field"]: error["rule"] for error in answer.json()["errors"]}
    assert rules == {
        **{f"scenes[{n}].image_path": "own_asset" for n in range(5)},
        "scenes[5].character_id": "own_character",
        "scenes[6].character_id": "character_ready",
        "scenes[7].character_id": "own_character",
    }
    assert edge.gateway.requests == []
