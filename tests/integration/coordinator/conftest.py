from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.local.stack import LocalStack, StackOptions
from infra.registry import load_codec
from infra.settings import Settings
from schemas.topics import TOPICS
from tests.integration.coordinator.desk import Coordinator, Desk

LEASE = 2.5
SESSION = 6.0


@pytest.fixture(scope="package")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    base = Settings(
        device_slots=8,
        lease_timeout=LEASE,
        heartbeat_interval=0.5,
        retry_wait=1.0,
        coordinator_session=SESSION,
        coordinator_heartbeat=0.3,
        snapshot_events=400,
    )
    options = StackOptions(topics=TOPICS, base=base)
    async with LocalStack(tmp_path_factory.mktemp("stack"), options=options) as running:
        yield running


@pytest.fixture(scope="package")
async def desk(stack: LocalStack) -> AsyncIterator[Desk]:
    async with Desk(stack.settings, await load_codec(stack.settings)).open() as opened:
        yield opened


@pytest.fixture(scope="package")
async def process(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Coordinator]:
    made = Coordinator(stack.settings, tmp_path_factory.mktemp("coordinator"))
    yield made
    await made.kill()


@pytest.fixture
async def coordinator(process: Coordinator) -> Coordinator:
    """The one that all tests share, running."""
    await process.start()
    return process


@pytest.fixture
async def second(stack: LocalStack, tmp_path: Path) -> AsyncIterator[Coordinator]:
    """Another one, not started."""
    made = Coordinator(stack.settings, tmp_path)
    yield made
    await made.kill()
