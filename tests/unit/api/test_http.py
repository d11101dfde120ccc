from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from PIL import Image

from api.sealing import AccountSeal
from infra.keystore import unseal_json, unseal_spec
from projections.folds.assets import AssetRow
from projections.folds.characters import CharacterRow
from projections.folds.storyboards import StoryboardRow
from projections.folds.task_rows import TaskRow
from schemas.common import Artifact, Problem, StageKind, StagePlan, TaskKind
from schemas.decisions import Outcome, RequestDecided
from schemas.film import FilmOptions
from schemas.ids import new_id
from schemas.purposes import Purpose, aad
from schemas.requests import (
    AssetSubmitted,
    AudioRequested,
    CancellationRequested,
    CharacterSubmitted,
    ImageRequested,
    StoryboardRequested,
    UserRegistrationRequested,
    VideoRequested,
)
from schemas.specs import FilmSpec, ScriptSpec, ShotSpec, Spec, StoryboardDraft, StoryboardShot
from schemas.tasks import StageCompleted, StageDispatched, StageStarted, TaskCompleted, TaskQueued
from tests.unit.api.support import NOW, Edge, stamped

ME, OTHER = "018f0000-0000-7000-8000-00000000000a", "018f0000-0000-7000-8000-00000000000b"
PROMPT = {"prompt": "a lantern on a hill"}


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    return Edge(tmp_path)


def spec_of(edge: Edge, stage: StagePlan) -> Spec:
    return unseal_spec(edge.keystore.account_key(ME), stage.sealed, aad(ME, "spec"))


def opened(edge: Edge, sealed: bytes, purpose: Purpose) -> dict[str, Any]:
    return unseal_json(edge.keystore.account_key(ME), sealed, aad(ME, purpose))


def sealed(edge: Edge, value: dict[str, Any], purpose: Purpose) -> bytes:
    return AccountSeal(edge.keystore.account_key(ME, create=True)).json(value, purpose)


def ready_character(edge: Edge, account_id: str = ME, status: str = "ready") -> str:
    row = CharacterRow(
        character_id=new_id(),
        account_id=account_id,
        status=status,  # type: ignore[arg-type]
        revision=2,
        artifacts=[Artifact(role="portrait", key="results/portrait.png")],
        sealed=sealed(edge, {"name": "Han Li", "description": "a young monk", "metadata": {"a": 1}}, "profile"),
    )
    edge.model.character_rows[row.character_id] = row
    return row.character_id


def png(colour: str = "red", mode: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, mode)
    return out.getvalue()


def test_pictures_are_asked_for_with_seeds_that_follow_one_another(edge: Edge) -> None:
    character = ready_character(edge)
    body = {**PROMPT, "count": 3, "seed": 2**32 - 2, "character_id": character, "scene_config": {"camera": "aerial"}}
    with edge.client(ME) as client:
        answer = client.post("/api/v1/images/generate", json=body)
    assert answer.status_code == 202
    (request,) = edge.gateway.requests
    assert isinstance(request, ImageRequested)
    assert answer.json()["task_id"] == request.request.task_id
    assert answer.json()["estimated_time"] == 1.5
    assert answer.headers["location"] == answer.json()["links"]["self"]
    assert [stage.stage_id for stage in request.stages] == ["shot-01", "shot-02", "shot-03"]
    assert [stage.seed for stage in request.stages] == [2**32 - 2, 2**32 - 1, 0]
    assert all(stage.deliver for stage in request.stages)
    spec = spec_of(edge, request.stages[1])
    assert isinstance(spec, ShotSpec)
    assert (spec.prompt, spec.camera, spec.seed) == (PROMPT["prompt"], "aerial", 2**32 - 1)
    assert (spec.characters[0].name, spec.characters[0].portrait_key) == ("Han Li", "results/portrait.png")
    assert request.character_ids == [character]


def test_nothing_private_is_in_clear_in_a_request(edge: Edge) -> None:
    with edge.client(ME) as client:
        client.post("/api/v1/images/generate", json=PROMPT)
        client.post("/api/v1/videos/generate", json={"scenes": [{**PROMPT, "narration": "Wake up, lantern"}]})
        client.post("/api/v1/scripts/storyboard", json={"script": "a lantern on a hill"})
    assert len(edge.gateway.requests) == 3
    for request in edge.gateway.requests:
        raw = msgspec.msgpack.encode(request)
        assert b"lantern" not in raw


def test_what_was_asked_can_be_shown_again(edge: Edge) -> None:
    with edge.client(ME) as client:
        client.post("/api/v1/images/generate", json=PROMPT)
    (request,) = edge.gateway.requests
    assert isinstance(request, ImageRequested)
    assert opened(edge, request.sealed, "request")["prompt"] == PROMPT["prompt"]


def test_one_key_and_body_are_one_task_with_one_hash(edge: Edge) -> None:
    with edge.client(ME) as client:
        for body, key in [(PROMPT, "k"), (PROMPT, "k"), ({"prompt": "b"}, "k"), (PROMPT, "l"), (PROMPT, None)]:
            client.post("/api/v1/images/generate", json=body, headers={"Idempotency-Key": key} if key else {})
    first, again, other_body, other_key, no_key = (r.request for r in edge.gateway.requests)
    assert first.task_id == again.task_id == other_body.task_id
    assert first.body_hash == again.body_hash != other_body.body_hash
    assert len({first.task_id, other_key.task_id, no_key.task_id}) == 3
    assert len({r.request.request_id for r in edge.gateway.requests}) == 5


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "a b"])
def test_a_key_that_is_no_key_is_refused(edge: Edge, key: str) -> None:
    with edge.client(ME) as client:
        answer = client.post("/api/v1/images/generate", json=PROMPT, headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert [e["field"] for e in answer.json()["errors"]] == ["Idempotency-Key"]
    assert edge.gateway.requests == []


def test_a_replay_is_answered_like_the_first_call(edge: Edge) -> None:
    with edge.client(ME) as client:
        first = client.post("/api/v1/images/generate", json=PROMPT, headers={"Idempotency-Key": "k"})
        edge.gateway.answer = lambda decision: replace(decision, outcome=Outcome.DUPLICATE)
        again = client.post("/api/v1/images/generate", json=PROMPT, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


def test_a_replay_of_a_task_the_coordinator_forgot_is_still_a_replay(edge: Edge) -> None:
    with edge.client(ME) as client:
        client.post("/api/v1/images/generate", json=PROMPT, headers={"Idempotency-Key": "k"})
        info = edge.gateway.requests.pop().request
        old = TaskRow(
            task_id=info.task_id,
            account_id=ME,
            body_hash=info.body_hash,
            status="completed",
            state="completed",
            created_at=NOW.replace(month=1),
        )
        edge.model.rows[old.task_id] = old
        again = client.post("/api/v1/images/generate", json=PROMPT, headers={"Idempotency-Key": "k"})
        other = client.post("/api/v1/images/generate", json={"prompt": "x"}, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["status"]) == (202, "completed")
    assert other.status_code == 422
    assert edge.gateway.requests == []


REFUSALS: list[tuple[Callable[[RequestDecided], RequestDecided], int, str]] = [
    (lambda d: replace(d, outcome=Outcome.CONFLICT), 422, "IdempotencyKeyReuse"),
    (lambda d: replace(d, outcome=Outcome.EXPIRED), 503, "RequestExpired"),
    (
        lambda d: replace(d, outcome=Outcome.REJECTED, problem=Problem(type="QuotaExceeded", code="quota_exceeded")),
        400,
        "QuotaExceeded",
    ),
]


@pytest.mark.parametrize(("answer", "status", "kind"), REFUSALS)
def test_refusals_are_problems(
    edge: Edge, answer: Callable[[RequestDecided], RequestDecided], status: int, kind: str
) -> None:
    edge.gateway.answer = answer
    with edge.client(ME) as client:
        refused = client.post("/api/v1/images/generate", json=PROMPT)
    assert (refused.status_code, refused.json()["type"]) == (status, kind)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["x-trace-id"] == refused.json()["trace_id"]
    if status == 503:
        assert refused.headers["retry-after"]


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


def test_a_storyboard_is_asked_for_with_an_id_of_its_own(edge: Edge) -> None:
    with edge.client(ME) as client:
        answer = client.post("/api/v1/scripts/storyboard", json={"script": "INT. ROOM"}).json()
    (request,) = edge.gateway.requests
    assert isinstance(request, StoryboardRequested)
    assert answer["storyboard_id"] == request.storyboard_id != request.request.task_id
    assert [(s.stage_id, s.engine, s.deliver) for s in request.stages] == [("script", "rules", True)]


@pytest.mark.parametrize(
    ("body", "stage", "engine"),
    [({"text": "hello", "speed": 1.5}, "speech", "speech"), ({"mood": "epic", "duration": 4}, "music", "tone")],
)
def test_a_sound_is_one_stage(edge: Edge, body: dict[str, Any], stage: str, engine: str) -> None:
    with edge.client(ME) as client:
        assert client.post("/api/v1/audio/generate", json=body).status_code == 202
    (request,) = edge.gateway.requests
    assert isinstance(request, AudioRequested)
    assert [(s.stage_id, s.engine, s.deliver) for s in request.stages] == [(stage, engine, True)]


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


def finished_task(edge: Edge, account_id: str = ME) -> str:
    task_id = new_id()
    result = {"summary": {"voice": "plain"}, "recipe": {"seed": 5}, "data": {"x": [1]}}
    stage = StagePlan(stage_id="shot-01", kind=StageKind.SHOT, engine="sketch", deliver=True)
    outputs = [
        Artifact(stage_id="shot-01", role="main", key="results/a.png", content_type="image/png", width=64, height=48),
        Artifact(stage_id="shot-01", role="thumbnail", key="results/t.jpg"),
    ]
    events: list[Any] = [
        TaskQueued(task_id=task_id, kind=TaskKind.IMAGE, stages=[stage]),
        StageDispatched(task_id=task_id, stage_id="shot-01", attempt=1, device_id="cpu-0"),
        StageStarted(task_id=task_id, stage_id="shot-01", attempt=1, device_id="cpu-0"),
        StageCompleted(
            task_id=task_id,
            stage_id="shot-01",
            attempt=1,
            device_id="cpu-0",
            render_ms=2500,
            sealed=sealed(edge, result, "result"),
        ),
        TaskCompleted(task_id=task_id, outputs=outputs),
    ]
    first = len(edge.model.events) + 1
    for number, event in enumerate(events):
        edge.model.apply(stamped(event, account_id, number + 1, first + number))
    return task_id


def test_a_finished_task_shows_result_stages_and_use(edge: Edge) -> None:
    task_id = finished_task(edge)
    with edge.client(ME) as client:
        task = client.get(f"/api/v1/tasks/{task_id}").json()
    assert (task["status"], task["progress"], task["usage"]) == ("completed", 100, {"device_seconds": 2.5})
    assert task["result"]["output_path"] == "results/a.png"
    assert "/objects/results/t.jpg?" in task["result"]["thumbnail"]
    assert (task["result"]["width"], task["result"]["height"]) == (64, 48)
    (stage,) = task["stages"]
    assert (stage["summary"], stage["recipe"], stage["device"]) == ({"voice": "plain"}, {"seed": 5}, "cpu-0")
    assert stage["status"] == "completed"


def test_a_task_that_the_read_model_does_not_have_yet_is_waited_for(edge: Edge) -> None:
    task_id = new_id()
    event = stamped(TaskQueued(task_id=task_id, kind=TaskKind.IMAGE), ME, 1, 1)
    edge.log.on_end = partial(edge.feed.on_record, event)
    with edge.client(ME) as client:
        answer = client.get(f"/api/v1/tasks/{task_id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "queued")


def test_a_decided_task_is_never_shown_older_than_its_decision(edge: Edge) -> None:
    queued = TaskQueued(task_id=new_id(), kind=TaskKind.IMAGE, stages=[StagePlan(stage_id="shot-01")])
    started = StageStarted(task_id=queued.task_id, stage_id="shot-01", attempt=1)
    edge.overlay.apply(stamped(queued, ME, 1, 1))
    edge.log.on_end = partial(edge.feed.on_record, stamped(started, ME, 2, 2))
    with edge.client(ME) as client:
        assert client.get(f"/api/v1/tasks/{queued.task_id}").json()["status"] == "queued"
        edge.deps.reads.touch(queued.task_id)
        assert client.get(f"/api/v1/tasks/{queued.task_id}").json()["status"] == "processing"


def test_cancelling_asks_once_and_a_finished_task_is_answered_as_it_is(edge: Edge) -> None:
    running = new_id()
    edge.model.apply(stamped(TaskQueued(task_id=running, kind=TaskKind.IMAGE), ME, 1, 1))
    done = finished_task(edge)
    with edge.client(ME) as client:
        assert client.post(f"/api/v1/tasks/{running}/cancel").status_code == 202
        answer = client.post(f"/api/v1/tasks/{done}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    (request,) = edge.gateway.requests
    assert isinstance(request, CancellationRequested)
    assert request.request.task_id == running


def test_an_old_task_is_cancelled_under_a_key_too(edge: Edge) -> None:
    task_id = new_id()
    edge.model.rows[task_id] = TaskRow(
        task_id=task_id, account_id=ME, body_hash="x", state="processing", created_at=NOW.replace(month=1)
    )
    with edge.client(ME) as client:
        answer = client.post(f"/api/v1/tasks/{task_id}/cancel", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 202
    assert [request.request.task_id for request in edge.gateway.requests] == [task_id]


def test_history_and_stream_tell_the_same(edge: Edge) -> None:
    task_id = finished_task(edge)
    with edge.client(ME) as client:
        items = client.get(f"/api/v1/tasks/{task_id}/events").json()["items"]
        stream = client.get(f"/api/v1/tasks/{task_id}/stream", headers={"Last-Event-ID": "2"})
        bad = client.get(f"/api/v1/tasks/{task_id}/stream", headers={"Last-Event-ID": "x"})
    assert [item["event"] for item in items][::4] == ["task.queued", "task.completed"]
    assert stream.headers["content-type"].startswith("text/event-stream")
    data = [msgspec.json.decode(line[6:]) for line in stream.text.split("\n") if line.startswith("data: ")]
    assert data == items[2:]
    assert "sealed" not in stream.text
    assert bad.status_code == 400


def test_lists_page_through_everything_once(edge: Edge) -> None:
    made = {finished_task(edge) for _ in range(5)}
    finished_task(edge, OTHER)
    seen: list[str] = []
    params: dict[str, Any] = {"limit": "2", "status": "completed", "kind": "image"}
    with edge.client(ME) as client:
        while True:
            page = client.get("/api/v1/tasks", params=params).json()
            seen += [item["task_id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]
        bad = client.get("/api/v1/tasks", params={"status": "odd"})
    assert sorted(seen) == sorted(made)
    assert bad.status_code == 400


FOREIGN = ["tasks/{}", "tasks/{}/events", "tasks/{}/stream", "characters/{}", "assets/{}", "storyboards/{}"]


@pytest.mark.parametrize("path", FOREIGN)
@pytest.mark.parametrize("account", [OTHER, ME])
def test_what_is_another_accounts_is_not_found_and_says_nothing(edge: Edge, path: str, account: str) -> None:
    task = finished_task(edge, OTHER)
    edge.model.assets[task] = AssetRow(asset_id=task, account_id=OTHER)
    edge.model.character_rows[task] = CharacterRow(character_id=task, account_id=OTHER)
    draft = msgspec.to_builtins(StoryboardDraft(title="", language="en", shots=[], duration=0))
    edge.keystore.account_key(OTHER, create=True)
    board = AccountSeal(edge.keystore.account_key(OTHER)).json({"data": {"storyboard": draft}}, "result")
    edge.model.storyboards[task] = StoryboardRow(storyboard_id=task, account_id=OTHER, sealed=board)
    edge.model.rows[task] = replace(edge.model.rows[task], results={})
    edge.model.assets[task] = replace(edge.model.assets[task], sha256="ab" * 32)
    with edge.client(account) as client:
        mine = client.get(f"/api/v1/{path.format(task)}", headers={"Accept": "application/json"})
        nobody = client.get(f"/api/v1/{path.format(new_id())}")
    assert mine.status_code == (200 if account == OTHER else 404)
    assert nobody.status_code == 404
    if account == ME:
        assert {**mine.json(), "trace_id": ""} == {**nobody.json(), "trace_id": ""}


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}, {"X-API-Key": "x"}]
)
def test_without_a_good_key_nothing_is_told(edge: Edge, headers: dict[str, str]) -> None:
    with edge.client() as client:
        answers = [client.get(f"/api/v1/{p}", headers=headers) for p in ("tasks", "usage", "characters", "tasks/x")]
        answers.append(client.post("/api/v1/images/generate", json=PROMPT, headers=headers))
    assert {answer.status_code for answer in answers} == {401}
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers)


def test_both_ways_to_present_a_key_are_good(edge: Edge) -> None:
    key = edge.key(ME)
    with edge.client() as client:
        for headers in ({"Authorization": f"bearer {key}"}, {"X-API-Key": key}):
            assert client.get("/api/v1/tasks", headers=headers).status_code == 200


def test_an_operator_makes_accounts_whose_key_works(edge: Edge) -> None:
    with edge.client("operator", "admin") as client:
        made = client.post("/api/v1/users", json={"tier": "free"})
        (request,) = edge.gateway.requests
        assert isinstance(request, UserRegistrationRequested)
        assert made.status_code == 201
        assert (request.envelope.account_id, request.tier.value) == (made.json()["user_id"], "free")
        headers = {"Authorization": f"Bearer {made.json()['api_key']}"}
        assert client.get("/api/v1/tasks", headers=headers).status_code == 200
    principal = edge.keystore.authenticate(made.json()["api_key"])
    assert principal is not None
    assert (principal.account_id, principal.key_id) == (made.json()["user_id"], request.new_key_id)


def test_a_refused_account_has_no_key(edge: Edge) -> None:
    edge.gateway.answer = lambda d: replace(
        d, outcome=Outcome.REJECTED, problem=Problem(type="Forbidden", code="forbidden")
    )
    with edge.client("operator", "operator") as client:
        assert client.post("/api/v1/users", json={}).status_code == 403
    (request,) = edge.gateway.requests
    (key,) = edge.keystore.api_keys(request.envelope.account_id)
    assert key.revoked_at is not None


def test_a_member_cannot_make_accounts(edge: Edge) -> None:
    with edge.client(ME) as client:
        assert client.post("/api/v1/users", json={}).status_code == 403
    assert edge.gateway.requests == []


def test_an_asset_is_stored_clean_and_served_by_its_signed_url(edge: Edge) -> None:
    with edge.client(ME) as client:
        made = client.post("/api/v1/assets", files={"file": ("C:\\a\\猫.jpg", png(mode="JPEG"), "image/jpeg")})
        assert made.status_code == 201
        (request,) = edge.gateway.requests
        assert isinstance(request, AssetSubmitted)
        assert request.asset_id == made.json()["asset_id"]
        private = opened(edge, request.sealed, "asset")
        assert (private["key"], private["filename"]) == (made.json()["key"], "猫.jpg")
        url = made.json()["url"]
        whole = client.get(url)
        assert (whole.status_code, whole.headers["content-type"]) == (200, "image/png")
        assert whole.headers["x-content-type-options"] == "nosniff"
        assert Image.open(io.BytesIO(whole.content)).size == (64, 48)
        part = client.get(url, headers={"Range": "bytes=1-3"})
        assert (part.status_code, part.content) == (206, b"PNG")
        assert part.headers["content-range"] == f"bytes 1-3/{len(whole.content)}"
        assert client.get(url, headers={"Range": f"bytes={len(whole.content)}-"}).status_code == 416
        same = client.get(url, headers={"If-None-Match": whole.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        head = client.head(url)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.content))
        for bad in (url + "0", url.replace("expires=", "expires=9"), url.partition("?")[0], url + "&filename=x"):
            assert client.get(bad).status_code == 403


@pytest.mark.parametrize(
    ("files", "field", "rule"),
    [
        ({"file": ("a.png", b"nothing", "image/png")}, "file", "picture"),
        ({"file": ("a.png", b"", "image/png")}, "file", "picture"),
        ({"other": ("a.png", b"x", "image/png")}, "file", "required"),
    ],
)
def test_an_upload_that_is_no_picture_is_refused(edge: Edge, files: Any, field: str, rule: str) -> None:
    with edge.client(ME) as client:
        answer = client.post("/api/v1/assets", files=files)
    assert answer.status_code == 400
    assert (field, rule) in {(e["field"], e["rule"]) for e in answer.json()["errors"]}
    assert edge.gateway.requests == []


def test_a_character_is_submitted_with_its_photos(edge: Edge) -> None:
    files = [("photos", (f"{n}.png", png(colour), "image/png")) for n, colour in enumerate(["red", "blue"])]
    data = {"name": "Han Li", "description": "a young monk", "metadata": '{"age": 20}'}
    with edge.client(ME) as client:
        answer = client.post("/api/v1/characters", files=files, data=data)
    assert answer.status_code == 202
    (request,) = edge.gateway.requests
    assert isinstance(request, CharacterSubmitted)
    assert (answer.json()["character_id"], request.photo_count) == (request.character_id, 2)
    profile = opened(edge, request.sealed, "profile")
    assert (profile["name"], profile["metadata"]) == ("Han Li", {"age": 20})
    base = f"accounts/{ME}/characters/{request.character_id}"
    assert profile["photo_keys"] == [f"{base}/photo-01.png", f"{base}/photo-02.png"]


def test_a_key_reused_with_other_photos_leaves_the_first_ones_alone(edge: Edge) -> None:
    with edge.client(ME) as client:
        ids = [
            client.post(
                "/api/v1/characters",
                files=[("photos", ("a.png", png(colour), "image/png"))],
                data={"name": "A"},
                headers={"Idempotency-Key": "k"},
            ).json()["character_id"]
            for colour in ("red", "blue", "red")
        ]
    assert ids[0] == ids[2] != ids[1]
    assert len({r.request.task_id for r in edge.gateway.requests}) == 1


def test_everything_wrong_with_a_character_is_named_at_once(edge: Edge) -> None:
    files = [("photos", ("a.png", b"no", "image/png")), ("photos", ("b.png", png(), "image/png"))]
    data = {"description": "x" * 2001, "metadata": "[1]", "colour": "red"}
    with edge.client(ME) as client:
        answer = client.post("/api/v1/characters", files=files, data=data)
        eleven = [("photos", ("a.png", b"x", "image/png"))] * 11
        many = client.post("/api/v1/characters", files=eleven, data={"name": "A"})
        none = client.post("/api/v1/characters", files=[("x", ("a", b"x"))], data={"name": "A"})
    rules = {e["field"]: e["rule"] for e in answer.json()["errors"]}
    assert rules == {
        "name": "required",
        "description": "max_length",
        "metadata": "json_object",
        "colour": "unknown_field",
        "photos[0]": "picture",
    }
    assert [e["rule"] for e in many.json()["errors"]] == ["max_items"]
    assert {e["field"]: e["rule"] for e in none.json()["errors"]} == {"x": "unknown_field", "photos": "required"}


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"x", "multipart/form-data", 400),
        (b"x", "multipart/form-data; boundary=b", 400),
        (
            b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            400,
        ),
        (b"x" * (22 * 1024 * 1024), "multipart/form-data; boundary=b", 413),
    ],
    ids=["json", "no boundary", "no parts", "not utf-8", "huge"],
)
def test_bodies_that_are_no_upload(edge: Edge, content: bytes, content_type: str, status: int) -> None:
    with edge.client(ME) as client:
        answer = client.post("/api/v1/assets", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_messages_come_in_the_callers_language(edge: Edge) -> None:
    with edge.client(ME) as client:
        zh = client.post("/api/v1/images/generate", json={"prompt": ""}, headers={"Accept-Language": "zh-CN"})
        gone = client.get("/api/v1/nowhere", headers={"Accept-Language": "zh"})
    assert "至少需要 1 个字符" in zh.json()["error"]
    assert gone.json()["error"] == "找不到所请求的对象"
    assert gone.headers["content-language"] == "zh"


def test_every_operation_is_described_and_the_page_needs_no_other_host(edge: Edge) -> None:
    with edge.client() as client:
        schema = client.get("/schema/openapi.json").json()
        page = client.get("/docs").text
    paths = schema["paths"]
    assert {"/api/v1/images/generate", "/api/v1/tasks/{task_id}/stream", "/api/v1/users"} <= set(paths)
    image = paths["/api/v1/images/generate"]["post"]
    assert image["requestBody"]["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/ImageBody"
    assert any(p["name"] == "Idempotency-Key" for p in image["parameters"])
    limits = schema["components"]["schemas"]["ImageBody"]["properties"]["width"]
    assert (limits["minimum"], limits["maximum"], limits["multipleOf"]) == (512, 2048, 8)
    assert "http://" not in page.replace("http://testserver.local", "")
    assert "https://" not in page


def test_readiness_tells_what_is_missing(edge: Edge) -> None:
    with edge.client() as client:
        assert client.get("/health/ready").status_code == 200
        edge.log.alive = False
        answer = client.get("/health/ready")
        assert client.get("/health/live").status_code == 200
    assert answer.status_code == 503
    assert answer.json()["checks"]["kafka"]["ok"] is False


def test_calls_are_counted_by_route_not_by_path(edge: Edge) -> None:
    with edge.client(ME) as client:
        for _ in range(3):
            client.get(f"/api/v1/tasks/{new_id()}")
        client.get("/nowhere")
        text = client.get("/metrics").text
    assert 'storyreel_http_requests_total{method="GET",route="/api/v1/tasks/{task_id}",status="404"} 3.0' in text
    assert 'route="unmatched",status="404"' in text
