"""Characters through the whole platform: made of photos by faces, told apart, drawn until they are seen, two in a frame."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gpu_agents.faces.identity import roll_seed
from infra.local.stack import LocalStack
from tests.e2e.conftest import Account
from tests.plugins.casting import HERO, STRANGER
from tests.unit.faces.made import photo

TWO_IN_A_FRAME = "EXT. GARDEN - DAY\n\nMara and Lin Xia stand in the garden."


def _png(person: int, number: int) -> tuple[str, bytes, str]:
    out = io.BytesIO()
    photo(person, number).save(out, "PNG", compress_level=1)
    return (f"{number}.png", out.getvalue(), "image/png")


class Cast:
    """An account with two persons known by `insightface`, one of them by `clip-face` too."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.hero = self.stranger = self.looks = ""

    async def posted(self, path: str, files: Any, data: dict[str, str] | None = None) -> dict[str, Any]:
        """A form, its task followed to the end; the task with the character's id."""
        answer = await self.account.http.post(path, files=files, data=data or {})
        assert answer.status_code == 202, answer.text
        task = await self.account.finished(answer.json()["task_id"])
        return task | {"character_id": answer.json()["character_id"]}

    async def made(self, name: str, person: int, encoder: str) -> str:
        """A character of photos 0 to 2."""
        photos = [("photos", _png(person, number)) for number in range(3)]
        task = await self.posted("characters", photos, {"name": name, "encoder": encoder})
        assert task["status"] == "completed", task["error"]
        return str(task["character_id"])

    async def seen(self, character_id: str) -> dict[str, Any]:
        """GET the character."""
        answer = await self.account.http.get(f"characters/{character_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def compared(self, character_id: str, person: int, number: int) -> dict[str, Any]:
        """The summary of a verification of a held-out photo."""
        task = await self.posted(f"characters/{character_id}/verify", {"photo": _png(person, number)})
        assert task["status"] == "completed", task["error"]
        return dict(task["stages"][0]["summary"])

    async def drawn(self, prompt: str, engine: str) -> dict[str, Any]:
        """The stage of a picture of the hero."""
        body = {"prompt": prompt, "engine": engine, "seed": 7, "character_id": self.hero, "width": 640, "height": 640}
        body["num_inference_steps"] = 10
        task = await self.account.finished((await self.account.accepted("images/generate", body))["task_id"])
        assert task["status"] == "completed", task["error"]
        return {**task["stages"][0], "task_id": task["task_id"]}


@pytest.fixture(scope="module")
async def cast(stack: LocalStack) -> AsyncIterator[Cast]:
    account = Account(stack, "vip")
    cast = Cast(account)
    cast.hero, cast.stranger, cast.looks = await asyncio.gather(
        cast.made("Mara", HERO, "insightface"),
        cast.made("Lin Xia", STRANGER, "insightface"),
        cast.made("Look", HERO, "clip-face"),
    )
    yield cast
    await account.http.aclose()


async def test_faces_become_characters_in_the_space_of_their_encoder(cast: Cast) -> None:
    hero, looks = await cast.seen(cast.hero), await cast.seen(cast.looks)
    assert hero["encoder"].startswith("insightface-tiny-faces-")
    assert looks["encoder"].startswith("clip-face-")
    assert [item["photo"] for item in hero["photos"]] == [1, 2, 3]
    assert all(item["similarity"] > 0.35 and not item["outlier"] for item in hero["photos"])
    answer = await cast.account.http.get(f"characters/{cast.hero}/similar")
    similar = answer.json()
    assert similar["encoder"] == hero["encoder"]
    assert [item["character_id"] for item in similar["items"]] == [cast.stranger]
    assert similar["items"][0]["score"] < 0.35


async def test_a_held_out_photo_is_nearer_to_its_own_character(cast: Cast) -> None:
    own, other, look = await asyncio.gather(
        cast.compared(cast.hero, HERO, 5), cast.compared(cast.hero, STRANGER, 5), cast.compared(cast.looks, HERO, 5)
    )
    assert own["score"] >= own["threshold"] > other["score"]
    assert (own["same_person"], other["same_person"], look["same_person"]) == (True, False, None)
    assert "no proof of identity" in own["note"]
    assert "not trained to tell people apart" in look["note"]


async def test_a_picture_is_rolled_again_until_it_shows_the_character_and_all_rolls_are_told(cast: Cast) -> None:
    found, missed = await asyncio.gather(cast.drawn("hero on roll 2", "casting"), cast.drawn("nowhere", "casting"))
    told = found["summary"]["identity"]
    assert [roll["seed"] for roll in told["rolls"]] == [roll_seed(7, number) for number in range(3)]
    scores = [roll["scores"][cast.hero] for roll in told["rolls"]]
    assert max(scores[:2]) < 0.35 <= scores[2]
    assert (told["roll"], told["same_person"], told["characters"][0]["score"]) == (2, True, scores[2])
    assert len(missed["summary"]["identity"]["rolls"]) == 3
    assert missed["summary"]["identity"]["same_person"] is False
    images = {item["task_id"]: item for item in (await cast.seen(cast.hero))["images"] if item["kind"] == "generated"}
    assert images[found["task_id"]]["rolls"] == 3
    assert (images[found["task_id"]]["score"], images[found["task_id"]]["same_person"]) == (scores[2], True)
    assert images[missed["task_id"]]["reached"] is False


async def test_other_photos_make_a_revision_and_bad_ones_change_nothing(cast: Cast) -> None:
    path = f"characters/{cast.stranger}/revisions"
    better = await cast.posted(path, [("photos", _png(STRANGER, number)) for number in (3, 4)])
    assert better["status"] == "completed", better["error"]
    mixed = await cast.posted(path, [("photos", _png(STRANGER, 3)), ("photos", _png(HERO, 3))])
    assert (mixed["status"], mixed["error"]["code"]) == ("failed", "photos_disagree")
    seen = await cast.seen(cast.stranger)
    assert (seen["status"], seen["revision"], seen["photo_count"]) == ("ready", 2, 2)
    assert [revision["revision"] for revision in seen["revisions"]] == [2, 1]
    references = [(image["role"], image["revision"]) for image in seen["images"] if image["kind"] == "reference"]
    assert {("portrait", 1), ("portrait", 2)} <= set(references)


async def test_instantid_draws_one_character_and_two_in_a_frame(cast: Cast) -> None:
    body = {
        "script": TWO_IN_A_FRAME,
        "characters": [cast.hero, cast.stranger],
        "image_engine": "instantid",
        "target_duration": 1,
        "num_inference_steps": 10,
        "video_config": {"resolution": "512x512", "fps": 8, "audio": False},
    }
    alone, film = await asyncio.gather(
        cast.drawn("a garden", "instantid"), cast.account.accepted("videos/generate", body)
    )
    assert alone["recipe"]["parameters"]["photos"] == {cast.hero: 3}
    assert alone["summary"]["identity"]["characters"][0]["character_id"] == cast.hero
    task = await cast.account.finished(film["task_id"])
    assert task["status"] == "completed", task["error"]
    shots = [stage for stage in task["stages"] if stage["id"].startswith("shot-")]
    (both,) = [shot for shot in shots if shot["summary"]["people"] == 2]
    assert set(both["recipe"]["parameters"]["photos"]) == {cast.hero, cast.stranger}
    assert {score["character_id"] for score in both["summary"]["identity"]["characters"]} == {cast.hero, cast.stranger}
    for character in (cast.hero, cast.stranger):
        assert task["task_id"] in {image["task_id"] for image in (await cast.seen(character))["images"]}


async def test_a_photo_over_the_limit_is_refused_by_name(cast: Cast) -> None:
    huge = ("huge.png", bytes(20 * 1024 * 1024 + 1), "image/png")
    answer = await cast.account.http.post("characters", files=[("photos", huge)], data={"name": "Huge"})
    assert answer.status_code == 413, answer.text
    assert [(bad["field"], bad["rule"]) for bad in answer.json()["errors"]] == [("photos[0]", "max_bytes")]
