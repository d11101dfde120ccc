"""Real Kafka, registry and PostgreSQL, started once for the integration tests that bring no stack of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from infra.local.postgres import create_extension
from infra.local.stack import LocalStack, StackOptions
from infra.settings import Settings
from schemas.topics import TOPICS


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    """The infrastructure and the topics, without the product's processes. Who must own the topics alone shadows it."""
    async with LocalStack(tmp_path_factory.mktemp("shared-stack"), options=StackOptions(topics=TOPICS)) as running:
        yield running


@pytest.fixture(scope="session")
def kafka_settings(stack: LocalStack) -> Settings:
    """Settings that lead to the shared infrastructure."""
    return stack.settings


@pytest.fixture
async def database(stack: LocalStack) -> AsyncIterator[str]:
    """Address of a fresh database with the vector extension, dropped afterwards."""
    name = f"test_{uuid4().hex[:12]}"
    admin = await asyncpg.connect(stack.settings.database_url)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        url = stack.settings.database_url.rpartition("/")[0] + f"/{name}"
        await create_extension(url)
        yield url
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
