"""Models through the whole platform: a script becomes a film of drawn and moved shots, on devices with tiny models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from gpu_agents.media.probe import probe
from tests.e2e.conftest import Account

SCRIPT = """INT. LIGHTHOUSE - NIGHT

The keeper climbs the stairs with a lamp.

EXT. HARBOUR - DAWN

Boats leave the harbour.
"""


async def test_a_script_becomes_a_film_by_a_picture_model_and_a_video_model(account: Account, tmp_path: Path) -> None:
    body = {
        "script": SCRIPT,
        "engine": "diffusers-video/ltx",
        "image_engine": "diffusers",
        "target_duration": 3,
        "video_config": {"resolution": "512x512", "fps": 8},
        "num_inference_steps": 10,
        "seed": 3,
    }
    task = await account.finished((await account.accepted("videos/generate", body))["task_id"])
    assert task["status"] == "completed", task["error"]
    stages: dict[str, Any] = {stage["id"]: stage for stage in task["stages"]}
    shots = [name for name in stages if name.startswith("shot-")]
    assert len(shots) >= 2
    for shot in shots:
        still, clip = stages[shot], stages[shot.replace("shot", "clip")]
        assert (still["engine"], still["recipe"]["parameters"]["pipeline"]) == ("diffusers", "StableDiffusionPipeline")
        assert (clip["engine"], clip["recipe"]["parameters"]["pipeline"]) == (
            "diffusers-video/ltx",
            "LTXImageToVideoPipeline",
        )
        assert clip["summary"]["begins_with_the_still"]
        assert all(len(digest) == 64 for digest in clip["recipe"]["parameters"]["weights"].values())
    assert stages["film"]["engine"] == "animatic"
    async with httpx.AsyncClient(trust_env=False) as anyone:
        answer = await anyone.get(task["result"]["url"])
    (tmp_path / "film.mp4").write_bytes(answer.content)
    info = probe(tmp_path / "film.mp4")
    video, audio = info.first("video"), info.first("audio")
    assert video is not None
    assert audio is not None
    assert (video.width, video.height, video.fps) == (512, 512, 8)
    assert info.frames == round(info.duration * 8)


async def test_every_engine_says_what_it_needs_and_where_it_is_ready(account: Account) -> None:
    answer = await account.http.get("engines")
    assert answer.status_code == 200, answer.text
    items = {item["name"]: item for item in answer.json()["items"]}
    ready = (
        "sketch",
        "animatic",
        "rules",
        "diffusers",
        "diffusers/sd",
        "diffusers-video/ltx",
        "insightface",
        "casting",
    )
    for name in ready:
        assert items[name]["ready"], items[name]
        assert sorted(device["device_id"] for device in items[name]["devices"]) == ["cpu-0", "cpu-1"]
    assert not items["diffusers/unread"]["ready"]
    assert all("was not accepted yet" in device["problem"] for device in items["diffusers/unread"]["devices"])
    assert any("does not tell people apart" in limit for limit in items["descriptor"]["limits"])
