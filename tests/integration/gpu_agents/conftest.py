from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from infra.local.stack import LocalStack, StackOptions
from infra.object_store.faults import FOLDER
from infra.settings import Settings
from schemas.topics import TOPICS


@pytest.fixture(scope="package")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    folder = tmp_path_factory.mktemp("stack")
    async with LocalStack(folder, options=StackOptions(topics=TOPICS)) as stack:
        yield stack


@pytest.fixture(scope="package")
def settings(stack: LocalStack) -> Settings:
    return replace(stack.settings, heartbeat_interval=0.5, lease_timeout=4.0)


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a module arms failures of the object store for the agents that it starts."""
    folder = tmp_path_factory.mktemp("store-faults")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER, str(folder))
        yield folder
