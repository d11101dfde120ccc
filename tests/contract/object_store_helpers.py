"""Both object stores, each as a user would set it up, and what tests ask of either."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from infra.local.s3proxy import S3Proxy
from infra.object_store import LocalObjectStore, ObjectStore
from infra.settings import Settings

SIGNING_KEY = bytes(range(32))
PNG = "image/png"


class Clock:
    """Unix time that only moves when told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Client:
    """Fetches signed URLs: over HTTP from S3, and from the local store by the steps the API takes."""

    def __init__(self, store: ObjectStore, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    async def fetch(self, url: str) -> tuple[int, bytes]:
        """(HTTP status, body)."""
        if isinstance(self.store, LocalObjectStore):
            parts = urlsplit(url)
            key = unquote(parts.path).removeprefix("/objects/")
            if not self.store.verify(key, dict(parse_qsl(parts.query, keep_blank_values=True)), self.clock()):
                return 403, b""
            return 200, b"".join([chunk async for chunk in self.store.open_range(key)])
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(url)
        return answer.status_code, answer.content


def s3_settings(server: S3Proxy, bucket: str) -> Settings:
    return Settings(
        object_store=f"s3://{bucket}",
        s3_endpoint=server.endpoint,
        s3_access_key=server.access_key,
        s3_secret_key=server.secret_key,
        s3_secure=False,
    )


def local_store(root: Path, clock: Clock) -> LocalObjectStore:
    return LocalObjectStore(root, "http://api.test", SIGNING_KEY, now=clock)


async def read(store: ObjectStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.open_range(key, start, end)])


async def keys(store: ObjectStore, prefix: str = "") -> list[str]:
    return [found.key async for found in store.list(prefix)]
