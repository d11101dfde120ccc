"""Multipart bodies: read in pieces of any size, bounded in memory, refused before they were read whole."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from api.app import create_app
from api.errors import ApiError
from api.form_parser import FormParser, Part
from tests.unit.api.helpers import ME, png
from tests.unit.api.support import Edge

MB = 1024 * 1024
PIECE = b"x" * (64 * 1024)


class Client:
    """Sends a body piece by piece to the application and counts what was taken of it."""

    def __init__(self, edge: Edge, folder: Path) -> None:
        edge.deps = replace(edge.deps, settings=changed(edge.deps.settings, data_dir=folder))
        self._app, self._key = create_app(edge.deps), edge.key(ME)
        self.taken = 0

    async def post(self, path: str, body: Iterator[bytes]) -> tuple[int, dict[str, Any]]:
        headers = {"authorization": f"Bearer {self._key}", "content-type": "multipart/form-data; boundary=b"}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        pieces, sent = self._pieces(body), []

        async def receive() -> dict[str, Any]:
            return await anext(pieces)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)  # type: ignore[arg-type]
        return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))

    async def _pieces(self, body: Iterator[bytes]) -> AsyncIterator[dict[str, Any]]:
        for piece in body:
            self.taken += len(piece)
            yield {"type": "http.request", "body": piece, "more_body": True}
        yield {"type": "http.request", "body": b"", "more_body": False}


@pytest.fixture
def client(edge: Edge, tmp_path: Path) -> Client:
    return Client(edge, tmp_path)


def head(name: str, filename: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode()


def photos(count: int, size: int) -> Iterator[bytes]:
    for number in range(count):
        yield head("photos", f"{number}.png")
        for _ in range(size // len(PIECE)):
            yield PIECE[:1] + PIECE[1:]  # bytes of their own, which memory is counted by
        yield b"\r\n"
    yield b"--b--\r\n"


@pytest.mark.parametrize("path", ["/api/v1/characters", "/api/v1/assets"])
async def test_a_photo_over_the_limit_is_refused_before_the_body_was_read_whole(client: Client, path: str) -> None:
    name = {"/api/v1/characters": "photos", "/api/v1/assets": "file"}[path]

    def endless() -> Iterator[bytes]:
        yield head(name, "a.png")
        while client.taken < 150 * MB:
            yield PIECE

    status, answer = await client.post(path, endless())
    assert (status, answer["code"]) == (413, "payload_too_large")
    field = {"photos": "photos[0]", "file": "file"}[name]
    assert [(bad["field"], bad["rule"]) for bad in answer["errors"]] == [(field, "max_bytes")]
    assert f"{field}: must have at most {20 * MB} bytes" in answer["detail"]
    assert client.taken < 21 * MB


async def test_a_photo_too_many_ends_the_reading(client: Client) -> None:
    status, answer = await client.post("/api/v1/characters", photos(1000, len(PIECE)))
    assert (status, [(bad["field"], bad["rule"]) for bad in answer["errors"]]) == (400, [("photos", "max_items")])
    assert client.taken < 2 * MB


async def test_a_long_text_and_many_parts_are_refused(client: Client, edge: Edge) -> None:
    status, answer = await client.post("/api/v1/characters", iter([head("name"), *[PIECE] * 2000, b"\r\n--b--\r\n"]))
    assert (status, answer["errors"][0]["field"], answer["errors"][0]["rule"]) == (413, "name", "max_bytes")
    assert client.taken < MB
    status, answer = await client.post("/api/v1/characters", iter([head(f"x{n}") + b"\r\n" for n in range(5000)]))
    assert (status, answer["code"], "32 parts" in answer["detail"]) == (413, "payload_too_large", True)
    assert edge.gateway.requests == []


async def test_memory_does_not_grow_with_the_upload(client: Client) -> None:
    """Eight photos of 10 MB, which turn out to be none: only those that are looked at lie in memory, one at a time."""
    tracemalloc.start()
    try:
        status, answer = await client.post("/api/v1/characters", photos(8, 10 * MB))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert client.taken > 80 * MB
    assert status == 400
    assert [bad["field"] for bad in answer["errors"] if bad["rule"] == "picture"] == [f"photos[{n}]" for n in range(8)]
    assert peak < 40 * MB


async def test_a_photo_that_went_over_the_disk_is_the_one_that_was_sent(client: Client, edge: Edge) -> None:
    picture = png() + bytes(3 * MB)  # what follows a picture's end is thrown away
    body = iter([head("name"), b"Mara\r\n", head("photos", "a.png"), picture, b"\r\n--b--\r\n"])
    status, answer = await client.post("/api/v1/characters", body)
    assert status == 202, answer
    assert len(edge.gateway.requests) == 1


async def test_a_body_that_ends_early_changes_nothing(client: Client, edge: Edge) -> None:
    status, answer = await client.post("/api/v1/characters", iter([head("name"), b"Mara\r\n", head("photos", "a.png")]))
    assert (status, answer["code"]) == (400, "malformed_body")
    assert edge.gateway.requests == []


class Collected:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.parts: list[tuple[Part, bytearray]] = []
        self.ended = 0

    def begin(self, part: Part) -> None:
        self.parts.append((part, bytearray()))

    def add(self, part: Part, data: bytes) -> None:
        assert part == self.parts[-1][0]
        self.parts[-1][1].extend(data)

    def end(self, part: Part) -> None:
        assert part == self.parts[-1][0]
        self.ended += 1


NAMES = st.text(st.characters(codec="utf-8", exclude_characters='"\\\r\n;', exclude_categories=["C"]), min_size=1)
CONTENTS = st.lists(st.sampled_from([b"\r\n", b"--", b"b", b"\r", b"--b-", b"\x00\xff", b"text"])).map(b"".join)


@given(
    parts=st.lists(st.tuples(NAMES, st.one_of(st.just(""), NAMES), CONTENTS), max_size=5),
    cuts=st.lists(st.integers(1, 40), max_size=60),
)
def test_parts_are_the_same_however_the_body_is_cut(parts: list[tuple[str, str, bytes]], cuts: list[int]) -> None:
    parts = [part for part in parts if b"\r\n--b" not in b"\r\n" + part[2]]
    body = b"".join(head(name, filename) + content + b"\r\n" for name, filename, content in parts) + b"--b--\r\n"
    sink = Collected()
    parser = FormParser("b", sink)
    rest = body
    for cut in cuts:
        parser.feed(rest[:cut])
        rest = rest[cut:]
    parser.feed(rest)
    parser.finish()
    found = [(part.name, part.filename, bytes(content)) for part, content in sink.parts]
    assert found == parts
    assert sink.ended == len(parts)


def test_a_body_without_its_end_or_a_part_without_a_name_is_no_form() -> None:
    parser = FormParser("b", Collected())
    parser.feed(head("a") + b"text")
    with pytest.raises(ApiError, match="ends too early"):
        parser.finish()
    with pytest.raises(ApiError, match="has no name"):
        FormParser("b", Collected()).feed(b"--b\r\nContent-Disposition: form-data\r\n\r\ntext")
