"""What the demo takes and fetches: a script of one's own, files by signed URL."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from infra.demo.client import ApiClient, ApiError
from infra.demo.story import DemoError, load_story
from schemas.errors import InfrastructureError

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfilm"
BAD = b'HTTP/1.1 403 Forbidden\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{"detail":"expired"}'


async def fetch(answer: bytes, target: Path) -> str:
    """Download from a server that gives `answer`; returns the head of the request it saw."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with ApiClient("http://127.0.0.1:9", "secret-key") as client:
            await client.download(f"http://127.0.0.1:{port}/film.mp4?signature=abc", target)
    return seen[0].decode()


async def test_a_file_is_fetched_without_the_api_key(tmp_path: Path) -> None:
    head = await fetch(GOOD, tmp_path / "film.mp4")
    assert head.startswith("GET /film.mp4?signature=abc ")
    assert "authorization" not in head.lower()
    assert "secret-key" not in head
    assert (tmp_path / "film.mp4").read_bytes() == b"film"


async def test_a_refused_file_is_told_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match=r"403.*expired"):
        await fetch(BAD, tmp_path / "film.mp4")


async def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    async with ApiClient("http://127.0.0.1:9", "secret-key") as client:
        with pytest.raises(InfrastructureError, match=r"film\.mp4 could not be fetched"):
            await client.download("http://127.0.0.1:9/film.mp4", tmp_path / "film.mp4")


def test_a_script_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "雨.txt").write_bytes("\ufeff雨停了。".encode())
    story = load_story(str(tmp_path / "雨.txt"))
    assert (story.name, story.script) == ("雨", "雨停了。")


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "is empty"), (b" \n\t", "is empty"), (b"ok \xff\xfe\x00", "byte 4")]
)
def test_a_script_that_cannot_be_filmed_is_refused_before_anything_starts(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "mine.txt").write_bytes(content)
    with pytest.raises(DemoError, match=reason):
        load_story(str(tmp_path / "mine.txt"))
