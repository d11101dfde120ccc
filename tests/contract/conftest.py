"""Empty object stores of both kinds; the S3 one talks to a real server process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from infra.local.s3proxy import S3Proxy
from infra.object_store import ObjectStore, S3ObjectStore
from tests.contract.object_store_helpers import Client, Clock, local_store, s3_settings
from tests.contract.s3_server import running_s3proxy


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def s3_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3Proxy]:
    async with running_s3proxy(tmp_path_factory.mktemp("s3proxy")) as server:
        yield server


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
