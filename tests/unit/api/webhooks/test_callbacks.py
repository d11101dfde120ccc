"""callback_url in the bodies that ask for work."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.requests import ImageRequested
from tests.unit.api.helpers import ME, PROMPT, opened
from tests.unit.api.support import Edge

PUBLIC = "https://93.184.216.34/hook?order=4711"
BODIES: dict[str, dict[str, Any]] = {
    "images/generate": PROMPT,
    "audio/generate": {"mood": "calm"},
    "scripts/storyboard": {"script": "A lantern on a hill."},
    "videos/generate": {"scenes": [{"prompt": "a lantern", "duration": 2}]},
}


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    "url", ["http://93.184.216.34/", "https://169.254.169.254/", "https://u:p@93.184.216.34/", "x"]
)
def test_work_with_an_address_inside_is_refused(edge: Edge, path: str, url: str) -> None:
    with edge.client(ME) as client:
        answer = client.post(f"/api/v1/{path}", json=BODIES[path] | {"callback_url": url})
        zh = client.post(
            f"/api/v1/{path}", json=BODIES[path] | {"callback_url": url}, headers={"Accept-Language": "zh"}
        )
    assert answer.status_code == zh.status_code == 400
    [bad] = answer.json()["errors"]
    assert (bad["field"], bad["rule"]) == ("callback_url", "webhook_url")
    assert "回调" in zh.json()["error"]
    assert edge.gateway.requests == []


@pytest.mark.parametrize("path", BODIES)
def test_a_callback_goes_sealed_with_the_work(edge: Edge, path: str) -> None:
    with edge.client(ME) as client:
        answer = client.post(f"/api/v1/{path}", json=BODIES[path] | {"callback_url": PUBLIC})
    assert answer.status_code == 202
    [request] = edge.gateway.requests
    assert opened(edge, request.sealed, "request")["callback_url"] == PUBLIC  # type: ignore[attr-defined]
    assert PUBLIC not in repr(request)


def test_another_callback_under_one_key_is_another_request_and_none_is_the_same_as_ever(edge: Edge) -> None:
    with edge.client(ME) as client:
        for callback in ({}, {"callback_url": None}, {"callback_url": PUBLIC}):
            client.post("/api/v1/images/generate", json=PROMPT | callback, headers={"Idempotency-Key": "a"})
    hashes = [request.request.body_hash for request in edge.gateway.requests]
    assert hashes[0] == hashes[1] != hashes[2]
    assert all(isinstance(request, ImageRequested) for request in edge.gateway.requests)
