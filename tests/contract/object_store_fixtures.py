"""Both object stores, each as a user would set it up; the S3 one talks to a real server process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from infra.local.s3proxy import S3Proxy
from infra.object_store import LocalObjectStore, ObjectStore, S3ObjectStore
from infra.settings import Settings
from tests.contract.s3_server import running_s3proxy

SIGNING_KEY = bytes(range(32))


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def s3_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3Proxy]:
    async with running_s3proxy(tmp_path_factory.mktemp("s3proxy")) as server:
        yield server


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


@pytest.fixture(params=["local", "s3"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Client:
    """A client of an empty store."""
    if request.param == "local":
        clock = Clock(1_800_000_000.0)
        return Client(local_store(tmp_path / "objects", clock), clock)
    server = request.getfixturevalue("s3_server")
    clock = Clock(time.time())
    return Client(S3ObjectStore(s3_settings(server, f"test-{uuid4().hex}"), now=clock), clock)


@pytest.fixture
def store(client: Client) -> ObjectStore:
    return client.store
