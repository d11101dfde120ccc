"""Assets and characters: pictures that come as multipart bodies."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from schemas.requests import AssetSubmitted, CharacterSubmitted
from tests.unit.api.helpers import ME, opened, png
from tests.unit.api.support import Edge


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
