"""One whole stack for the tests that judge a log and then break it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from infra.local import ports
from infra.local.apps import APPS
from infra.local.stack import LocalStack, StackOptions
from infra.settings import Settings
from schemas.topics import TOPICS


@pytest.fixture(scope="package")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    """A stack of its own, as the tests break its log."""
    base = Settings(lease_timeout=5.0, heartbeat_interval=0.5)
    options = StackOptions(apps=APPS, devices=1, topics=TOPICS, base=base, api_port=ports.choose(None, frozenset()))
    async with LocalStack(tmp_path_factory.mktemp("checker"), options=options) as running:
        yield running
