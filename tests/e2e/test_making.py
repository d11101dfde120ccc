"""Everything that can be made, through the API: uploads, characters, films from scenes and from scripts, sound."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from gpu_agents.media.probe import MediaInfo, probe
from infra.local.stack import LocalStack
from infra.samples.portraits import draw
from tests.e2e.conftest import Account

SECRET = "ultramarine-xylophone-7f3"


async def _fetched(url: str, path: Path) -> MediaInfo:
    async with httpx.AsyncClient(trust_env=False) as anyone:
        answer = await anyone.get(url)
    assert answer.status_code == 200
    path.write_bytes(answer.content)
    return probe(path)


async def _character(account: Account, folder: Path) -> str:
    photos = [("photos", (p.name, p.read_bytes(), "image/png")) for p in draw("mara", folder)[:2]]
    form = {"name": "Mara", "description": "copper hair"}
    answer = await account.http.post("characters", data=form, files=photos)
    assert answer.status_code == 202, answer.text
    assert (await account.finished(answer.json()["task_id"]))["status"] == "completed"
    return str(answer.json()["character_id"])


async def test_a_character_is_made_listed_and_kept_from_others(
    account: Account, free_account: Account, tmp_path: Path
) -> None:
    character_id = await _character(account, tmp_path)
    character = (await account.http.get(f"characters/{character_id}")).json()
    assert (character["name"], character["status"], character["photo_count"]) == ("Mara", "ready", 2)
    assert [item["character_id"] for item in (await account.http.get("characters")).json()["items"]] == [character_id]
    assert (await free_account.http.get(f"characters/{character_id}")).status_code == 404
    stolen = await free_account.http.post("images/generate", json={"prompt": "x", "character_id": character_id})
    assert stolen.status_code == 400
    assert [error["field"] for error in stolen.json()["errors"]] == ["character_id"]


@pytest.mark.parametrize("content", [b"not a picture", b"GIF89a" + bytes(200), b"<svg/>", b""])
async def test_uploads_that_are_no_pictures_are_refused(account: Account, content: bytes) -> None:
    answer = await account.http.post("assets", files={"file": ("x.png", content, "image/png")})
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"]


async def test_a_film_from_scenes_with_an_own_picture(account: Account, tmp_path: Path) -> None:
    photo = draw("lin_xia", tmp_path)[0]
    uploaded = await account.http.post("assets", files={"file": ("me.png", photo.read_bytes(), "image/png")})
    assert uploaded.status_code in (200, 201), uploaded.text
    asset_id = uploaded.json()["asset_id"]
    shown = await account.http.get(f"assets/{asset_id}", follow_redirects=True)
    assert shown.status_code == 200
    scenes = [
        {"id": "one", "prompt": "a quiet harbour at dawn", "duration": 1.5, "narration": "Morning comes."},
        {"id": "two", "prompt": "a portrait", "duration": 1.5, "image_path": asset_id, "transition": "fade"},
    ]
    body = {"scenes": scenes, "video_config": {"resolution": "640x512", "fps": 12}, "output_format": "mp4"}
    task = await account.finished((await account.accepted("videos/generate", body))["task_id"])
    assert task["status"] == "completed", task["error"]
    info = await _fetched(task["result"]["url"], tmp_path / "film.mp4")
    video, audio = info.first("video"), info.first("audio")
    assert video is not None
    assert audio is not None
    assert (video.width, video.height, round(float(video.fps or 0)), audio.codec) == (640, 512, 12, "aac")
    assert abs(info.duration - 3.0) < 0.15


async def test_an_upscaled_film_is_drawn_small_and_filmed_large(account: Account, tmp_path: Path) -> None:
    config = {"resolution": "640x512", "fps": 6, "audio": False, "upscale": True}
    body = {"scenes": [{"prompt": "a quiet harbour at dawn", "duration": 0.5}], "video_config": config}
    task = await account.finished((await account.accepted("videos/generate", body))["task_id"])
    assert task["status"] == "completed", task["error"]
    stages = {stage["id"]: stage for stage in task["stages"]}
    assert list(stages) == ["shot-01", "large-01", "film"]
    large = stages["large-01"]
    assert (large["kind"], large["engine"], large["summary"]["from"]) == ("upscale", "upscale", "640x512")
    assert large["recipe"]["parameters"]["method"] == large["summary"]["method"] == "lanczos"
    video = (await _fetched(task["result"]["url"], tmp_path / "film.mp4")).first("video")
    assert video is not None
    assert (video.width, video.height) == (1280, 1024)


async def test_somebody_elses_upload_is_no_image_path(account: Account, free_account: Account, tmp_path: Path) -> None:
    photo = draw("mara", tmp_path)[0]
    uploaded = await account.http.post("assets", files={"file": ("me.png", photo.read_bytes(), "image/png")})
    for path in (
        uploaded.json()["asset_id"],
        uploaded.json()["key"],
        "/etc/passwd",
        "../../secrets/kek",
        "http://x/y.png",
    ):
        body = {"scenes": [{"prompt": "x", "duration": 1, "image_path": path}]}
        answer = await free_account.http.post("videos/generate", json=body)
        assert answer.status_code == 400, path
        assert answer.json()["errors"][0]["field"] == "scenes[0].image_path"


async def test_a_script_becomes_a_film_in_one_call(account: Account, tmp_path: Path) -> None:
    script = "林夏走进雨夜的茶馆。她说：“我回来了。”\n\n清晨，海边下着雪。"
    body = {"script": script, "target_duration": 4, "video_config": {"resolution": "640x512", "fps": 8, "audio": True}}
    task = await account.finished((await account.accepted("videos/generate", body))["task_id"])
    assert task["status"] == "completed", task["error"]
    assert {stage["kind"] for stage in task["stages"]} >= {"script", "shot", "film", "music"}
    info = await _fetched(task["result"]["url"], tmp_path / "film.mp4")
    assert abs(info.duration - 4) < 0.7


@pytest.mark.parametrize(
    ("body", "codec"),
    [
        ({"text": "The lamp is lit again.", "language": "en"}, "pcm_s16le"),
        ({"mood": "calm", "duration": 3, "format": "mp3"}, "mp3float"),
    ],
    ids=["speech", "music"],
)
async def test_sound(account: Account, tmp_path: Path, body: dict[str, object], codec: str) -> None:
    task = await account.finished((await account.accepted("audio/generate", body))["task_id"])
    assert task["status"] == "completed", task["error"]
    info = await _fetched(task["result"]["url"], tmp_path / "sound")
    sound = info.first("audio")
    assert sound is not None
    assert sound.codec.startswith(codec[:3])
    assert info.duration > 0.8


async def test_what_people_wrote_is_nowhere_in_clear(stack: LocalStack, account: Account) -> None:
    body = {"prompt": f"a room with {SECRET}", "engine": "sketch", "width": 512, "height": 512}
    task = await account.finished((await account.accepted("images/generate", body))["task_id"])
    assert task["status"] == "completed"
    await account.accepted("scripts/storyboard", {"script": f"{SECRET} stands in the rain. It waits."})
    for folder in (stack.paths.kafka, stack.paths.logs, stack.paths.postgres, stack.paths.run):
        for path in folder.rglob("*"):
            if path.is_file():
                assert SECRET.encode() not in path.read_bytes(), path
