"""One whole stack for the tests of this folder: real Kafka, registry, PostgreSQL, every process of the product, two devices.

Two packages with engines are installed there, one of them broken: every test also shows that this harms nobody.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from infra.cli.user import create_user
from infra.local import ports
from infra.local.apps import APPS
from infra.local.stack import LocalStack, StackOptions
from infra.settings import Settings
from schemas.topics import TOPICS
from tests.plugins.installing import GRADIENT, install, install_broken
from tests.tiny_models.store import write_registry

TINY_MODELS: list[dict[str, Any]] = [
    {"tiny": "sd15", "name": "sd", "kind": "image", "family": "sd15", "defaults": {"long_side": 128, "steps": 2}},
    {
        "tiny": "ltx",
        "name": "ltx",
        "kind": "video",
        "family": "ltx",
        "defaults": {"long_side": 128, "steps": 2, "fps": 8, "max_frames": 17},
    },
    {"tiny": "face_pack", "name": "tiny-faces", "kind": "face", "family": "insightface"},
    {"tiny": "clip", "name": "tiny-clip", "kind": "encoder", "family": "clip"},
    {"tiny": "identity_net", "name": "identity-net", "kind": "controlnet", "family": "instantid"},
    {"tiny": "identity_adapter", "name": "identity-adapter", "kind": "ip-adapter", "family": "instantid"},
    {"tiny": "sd15", "name": "unread", "kind": "image", "family": "sd15", "accepted": False},
]
PLUGIN = """[storyreel.engines]
casting = tests.plugins.casting:CastingEngine
"""
TERMINAL = {"completed", "failed", "cancelled"}


class Account:
    """A client of one account."""

    def __init__(self, stack: LocalStack, tier: str) -> None:
        created = create_user(stack.settings, tier)
        self.account_id = created["user_id"]
        headers = {"Authorization": f"Bearer {created['api_key']}"}
        base = f"{stack.settings.base_url}/api/v1/"
        limits = httpx.Limits(max_connections=200)
        self.http = httpx.AsyncClient(base_url=base, headers=headers, timeout=30, trust_env=False, limits=limits)

    async def accepted(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """POST work and insist on 202."""
        response = await self.http.post(path, json=body, headers=headers)
        assert response.status_code == 202, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def task(self, task_id: str) -> dict[str, Any]:
        """GET a task and insist on 200."""
        response = await self.http.get(f"tasks/{task_id}")
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def finished(self, task_id: str) -> dict[str, Any]:
        """Follow the task's stream to its end, and again when it ends early because a process was lost."""
        async with asyncio.timeout(180):
            while True:
                async with self.http.stream("GET", f"tasks/{task_id}/stream", timeout=120) as response:
                    assert response.status_code in {200, 503}
                    ended = "event: resume" not in [line async for line in response.aiter_lines()]
                    if ended and response.status_code == 200:
                        break
        task = await self.task(task_id)
        assert task["status"] in TERMINAL, task
        return task


def install_plugin(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let every process that starts from now on find the engine `casting`, as an installed package brings one."""
    package = folder / "casting-1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: casting\nVersion: 1\n", encoding="utf-8")
    (package / "entry_points.txt").write_text(PLUGIN, encoding="utf-8")
    patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)


@pytest.fixture(scope="session")
async def stack() -> AsyncIterator[LocalStack]:
    """The stack, with waits short enough for tests."""
    folder = Path(tempfile.mkdtemp(prefix="storyreel-e2e-"))
    patch = pytest.MonkeyPatch()
    install_plugin(folder / "plugins", patch)
    install(GRADIENT, folder / "plugins")
    install_broken(folder / "plugins")
    base = Settings(
        retry_wait=1.0, lease_timeout=5.0, heartbeat_interval=0.5, webhook_allow_private=True, snapshot_events=200
    )
    base = replace(base, models=str(write_registry(folder / "models", TINY_MODELS)))
    base = replace(base, webhook_retries=",".join(["0.5"] * 60))
    options = StackOptions(apps=APPS, devices=2, topics=TOPICS, base=base, api_port=ports.choose(None, frozenset()))
    try:
        async with LocalStack(folder, options=options) as running:
            yield running
    finally:
        patch.undo()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def account(stack: LocalStack) -> AsyncIterator[Account]:
    """A new VIP account."""
    made = Account(stack, "vip")
    yield made
    await made.http.aclose()


@pytest.fixture
async def free_account(stack: LocalStack) -> AsyncIterator[Account]:
    """A new free account: 20 pictures and 2 films a day."""
    made = Account(stack, "free")
    yield made
    await made.http.aclose()
